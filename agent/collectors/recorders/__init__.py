"""Recorders: how long footage is kept. One small interface (`interface.Brand`), one module per brand."""

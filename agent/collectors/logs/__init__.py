"""Log stores: how long logs are kept. One small interface, one module per kind of store."""

"""Signed evidence: envelopes, keys, statements, log proofs and the bundle that carries them to a reviewer."""

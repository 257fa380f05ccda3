"""Conversations: `live` asks a device and records, `replay` answers from a record.

The port that both offer is `model.exchange.Session`.
"""

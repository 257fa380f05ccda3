"""Transports: bytes out, bytes in. Each implements `agent.model.exchange.Transport`; none knows another."""

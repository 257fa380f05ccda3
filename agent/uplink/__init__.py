"""The way to the backend: an outbox that keeps everything until its receipt is stored, and the client that it uses."""

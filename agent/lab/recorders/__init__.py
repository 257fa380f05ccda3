"""Recorders on loopback: a real HTTP server with a door, a calendar of footage that all brands share, their traps."""

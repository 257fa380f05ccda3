"""campus-agent: poll, judge, sign, upload, recompute. The map is in agent/README.md."""

__version__ = "0.1.0"

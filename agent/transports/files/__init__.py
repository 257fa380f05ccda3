"""Log files of this machine: lines counted by source and civil day, unpacked on the way; what they say never leaves.

Figures of `python -m benchmarks.logs` are in its docstring.
"""

from agent.transports.files.transport import FilesTransport

__all__ = ["FilesTransport"]

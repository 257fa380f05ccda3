"""Log files of this machine: lines counted by source and civil day, unpacked on the way; what they say never leaves.

On two shared cores, `python -m benchmarks.logs --size 5G` (5.08 GB of text, 35.7 million lines, five packings in equal
parts) took 32.9 s and 88 MB of memory, the median of three runs; `zcat`, `xzcat`, `zstdcat`, `bzcat` and `cat` into
`wc -l` on the same files took 39.7 s.
"""

from agent.transports.files.transport import FilesTransport

__all__ = ["FilesTransport"]

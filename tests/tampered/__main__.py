"""The museum's command: see `make`."""

from __future__ import annotations

import sys

from tests.tampered import make
from tests.tampered.base import make_base

if sys.argv[1:] == ["base"]:
    make_base(make.HERE)
for path in make.make_all(make.HERE):
    sys.stdout.write(f"{path.name}\n")

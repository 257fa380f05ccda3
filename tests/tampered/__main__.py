"""The museum's command: see `make`."""

from __future__ import annotations

import sys

from tests.tampered import cases, make
from tests.tampered.base import make_base

assert cases  # importing it registers the defects
if sys.argv[1:] == ["base"]:
    make_base(make.HERE)
for path in make.make_all(make.HERE):
    print(path.name)

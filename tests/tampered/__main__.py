"""The museum's command: see `make`."""

from __future__ import annotations

import sys

from tests.tampered.base import make_base
from tests.tampered.cases import CASES
from tests.tampered.make import HERE, make_all

if sys.argv[1:] == ["base"]:
    make_base(HERE)
made = make_all(HERE)
sys.stdout.write(f"{len(made)} bundles for {len(CASES)} defects\n")

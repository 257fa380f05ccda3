"""How hypothesis searches: the same examples in every run of `make test`, new ones in `make test-long` and `make fuzz`.

A limit on the time of one example would make a loaded machine fail a good program, so there is none.
"""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("same", deadline=None, derandomize=True)
settings.register_profile("search", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))

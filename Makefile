# Each target does its own set-up: system packages when run as root, then a locked virtual environment.
#   make demo   the main job, end to end, on a small campus on loopback
#   make test   all tests, after the static checks
#   make coverage  all tests once more, slower, with the lines that no test runs
#   make check  the static checks alone
#   make bench  the benchmarks, side by side
#   make corpus  every recording beside the project, and agreement with the facts of another system
#   make fuzz   damaged input for every decoder, for SECONDS (600)
#   make test-long  what takes minutes

SHELL := /bin/sh
.DEFAULT_GOAL := help
VENV := .venv
TOOLS := .tools
BIN := $(VENV)/bin
STAMP := $(VENV)/.synced
# The system's certificate store knows the proxies of a school's network; uv's own does not.
export UV_SYSTEM_CERTS := 1
export UV_NO_PROGRESS := 1

.PHONY: help demo test test-long coverage check bench corpus fuzz lock clean

help:
	@sed -n 's/^#   //p' Makefile

demo: $(STAMP)
	sh deploy/packages.sh demo
	$(BIN)/campus-agent demo --directory demo

test: check
	sh deploy/packages.sh test
	$(BIN)/pytest -n 2 --dist loadfile -m "not long"

coverage: $(STAMP)
	sh deploy/packages.sh test
	HYPOTHESIS_PROFILE=search $(BIN)/pytest --cov --cov-report=term:skip-covered -m "not long"

test-long: $(STAMP)
	sh deploy/packages.sh test
	HYPOTHESIS_PROFILE=search $(BIN)/pytest -m long

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/campus-agent lint

bench: $(STAMP)
	sh deploy/packages.sh bench
	$(BIN)/python -m benchmarks

corpus: $(STAMP)
	$(BIN)/python -m tests.corpus $(RECORDINGS)

SECONDS ?= 600
fuzz: $(STAMP)
	$(BIN)/python -m tests.fuzz $(SECONDS) --output .build/fuzz

$(STAMP): pyproject.toml uv.lock $(TOOLS)/bin/uv
	UV_PROJECT_ENVIRONMENT=$(VENV) $(TOOLS)/bin/uv sync --quiet --locked --all-extras
	@touch $@

$(TOOLS)/bin/uv: deploy/packages.sh
	sh deploy/packages.sh venv
	python3 -m venv $(TOOLS)
	$(TOOLS)/bin/pip install --quiet --disable-pip-version-check 'uv>=0.5'

lock: $(TOOLS)/bin/uv
	$(TOOLS)/bin/uv lock

clean:
	rm -rf $(VENV) $(TOOLS) .build demo

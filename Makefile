# `make demo` and `make test` are all a fresh machine needs: Python 3.11 or newer, and make.
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
VENV ?= .venv
BIN := $(VENV)/bin
JOBS ?= 2

.DEFAULT_GOAL := help
.PHONY: help demo test coverage lowest siege check audit bench docs clean

help:
	@echo "make demo      play three return recipes against the local emulator"
	@echo "make test      run the whole suite"
	@echo "make coverage  run it and fail below the floor of pyproject.toml"
	@echo "make lowest    run it with the lowest allowed version of each dependency"
	@echo "make siege     run the long tests: fuzzing, processes and servers killed at random"
	@echo "make check     check format, lint, types, import contracts and spelling"
	@echo "make audit     look the dependencies up in the advisory database"
	@echo "make docs      build the documentation in docs/_build"
	@echo "make bench     print the figures of benchmarks/"

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; name it with make PYTHON=..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[cli]"
	@touch $@

$(VENV)/.dev: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[dev]"
	@touch $@ $(VENV)/.demo

$(VENV)/.bench: $(VENV)/.dev
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[bench]"
	@touch $@

demo: $(VENV)/.demo
	$(BIN)/returnhelper demo

test: $(VENV)/.dev
	$(BIN)/python -m pytest -n $(JOBS) -m "not siege"

coverage: $(VENV)/.dev
	$(BIN)/python -m coverage erase
	$(BIN)/python -m coverage run -m pytest -n $(JOBS) -m "not siege"
	$(BIN)/python -m coverage combine --quiet
	$(BIN)/python -m coverage report

lowest: $(VENV)/.dev
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(VENV)-lowest
	$(BIN)/uv pip install --quiet --python $(VENV)-lowest --resolution lowest-direct -e ".[test]"
	# what old releases leave to the garbage collector is not ours to fail for
	$(VENV)-lowest/bin/python -m pytest -n $(JOBS) -m "not siege" -W ignore::ResourceWarning -W ignore::pytest.PytestUnraisableExceptionWarning

$(VENV)/.fuzz: $(VENV)/.dev
	-$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[fuzz]"
	@touch $@

siege: $(VENV)/.fuzz
	$(BIN)/python -m pytest -m siege -s

check: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	@if command -v node nodejs >/dev/null; then $(BIN)/pyright --pythonpath $(BIN)/python; else echo "pyright is left out: it needs Node.js"; fi
	$(BIN)/lint-imports
	$(BIN)/codespell returnhelper docs examples README.md CHANGELOG.md

audit: $(VENV)/.dev
	$(BIN)/python .ci/audit.py

bench: $(VENV)/.bench
	$(BIN)/python -m benchmarks.ingest
	$(BIN)/python -m benchmarks.client
	$(BIN)/python -m benchmarks.servers
	$(BIN)/python -m benchmarks.imports
	$(BIN)/python -m benchmarks.inbox
	$(BIN)/python -m benchmarks.worker
	$(BIN)/python -m benchmarks.responsiveness
	$(BIN)/python -m benchmarks.hostile
	$(BIN)/python -m benchmarks.emulator

docs: $(VENV)/.dev
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[docs]"
	$(BIN)/python -m sphinx -W -b html docs docs/_build

clean:
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache

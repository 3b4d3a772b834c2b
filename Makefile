# `make` lists the targets. The first one that needs it builds .venv from requirements.lock (.ci/install).

PYTHON ?= python3
ARGS ?=
BIN := .venv/bin
TESTS := contact_sync_tests
PYTEST := $(BIN)/python -m pytest
WORKERS := -n 2 --dist loadfile --no-loadscope-reorder

# Nothing that is started from here reports home.
export DAGSTER_DISABLE_TELEMETRY := yes
export DBT_SEND_ANONYMOUS_USAGE_STATS := false
export DO_NOT_TRACK := 1
export PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD := 1

# Where nothing may be kept, every process compiles all it imports: half of what the tests take.
unexport PYTHONDONTWRITEBYTECODE

# Two jobs, each one's output in one piece where this make can do that (4.0 and later).
PARALLEL := --jobs=2 --keep-going $(if $(filter output-sync,$(.FEATURES)),--output-sync=target) --no-print-directory

.DEFAULT_GOAL := help

.PHONY: help demo test test-deep check lint unit pipeline browser ruff types imports docstrings lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: .venv/.installed ## Start everything on this machine, with simulators as sources (ARGS="..." are passed on)
	@$(BIN)/contact-sync demo $(ARGS)

test: check ## check, then property, golden, pipeline, fault, conformance and browser tests
	@$(MAKE) $(PARALLEL) pipeline browser

pipeline: .venv/.installed
	$(PYTEST) $(WORKERS) -m "not deep and not quick" --ignore $(TESTS)/browser $(TESTS) $(ARGS)

# The browser's driver keeps an event loop running in its process, which in-process runs of Dagster cannot bear: a process of its own.
browser: .venv/.installed
	$(PYTEST) -m "not deep" $(TESTS)/browser $(ARGS)

test-deep: lint ## Every test, those too slow for every commit included
	$(PYTEST) $(WORKERS) --hypothesis-profile=ci --ignore $(TESTS)/browser $(TESTS) $(ARGS)
	$(PYTEST) $(TESTS)/browser $(ARGS)

check: .venv/.installed ## Lint, types, import contracts, tests of single modules and contracts: a minute
	@$(MAKE) $(PARALLEL) unit ruff types imports docstrings

lint: .venv/.installed ## ruff, mypy, import contracts, docstrings of tests
	@$(MAKE) $(PARALLEL) types ruff imports docstrings

unit: .venv/.installed
	$(PYTEST) $(WORKERS) -m quick $(TESTS)/unit $(TESTS)/contracts $(ARGS)

ruff: .venv/.installed
	$(BIN)/ruff check --quiet
	$(BIN)/ruff format --check --quiet

types: .venv/.installed
	$(BIN)/mypy

imports: .venv/.installed
	$(BIN)/lint-imports --no-logo

docstrings: .venv/.installed
	$(BIN)/interrogate --quiet $(TESTS)

lock: .venv/.installed ## Renew requirements.lock (ARGS="--upgrade", or "--upgrade-package NAME")
	$(BIN)/python .ci/uv.py pip compile pyproject.toml --all-extras --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --no-annotate --no-header --quiet --output-file requirements.lock $(ARGS)

clean: ## Remove .venv, caches and build products; CONTACT_SYNC_HOME and its data stay
	rm -rf .venv .conformance build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache .coverage
	rm -rf dbt_project/target dbt_project/logs logs
	find contact_sync contact_sync_tests -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.installed: requirements.lock requirements-bootstrap.txt requirements-febrl.txt pyproject.toml .ci/install .ci/uv.py
	@PYTHON="$(PYTHON)" .ci/install

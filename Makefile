# Every habit of the project, one target each. `make venv` is implied by all others.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help venv demo dev test check format docs screenshots bench soak mutants

help: ## List the targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST)

venv: $(STAMP) ## Make the virtual environment

# The stamp is written last, so that an install that failed half-way is done again.
$(STAMP): setup.py
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "$(PYTHON) is older than Python 3.11. Name a later one: make PYTHON=python3.12" >&2; exit 1; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo "The virtual environment could not be made. On Debian: apt-get install python3-venv" >&2; exit 1; }
	$(BIN)/pip install --quiet --disable-pip-version-check -e ".[dev]"
	@touch $(STAMP)

demo: $(STAMP) ## From real event objects to the ledger; ARGS=--once ends by itself
	$(BIN)/python -m openpool_management.demo $(ARGS)

# Dagster starts its own parts by name, so the environment has to be on the path.
dev: $(STAMP) ## Dagster's UI and daemon on this checkout
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/dagster dev $(ARGS)

check: $(STAMP) ## Format, lint, types, import rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy --strict openpool_management openpool_management_tests
	$(BIN)/lint-imports --no-logo

format: $(STAMP) ## Format and fix what can be fixed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

test: $(STAMP) check ## Everything that must hold before a commit
	$(BIN)/python -m pytest -n 2 -m "not soak" $(ARGS)

soak: $(STAMP) ## The long runs
	$(BIN)/python -m pytest -m soak $(ARGS)

mutants: $(STAMP) ## Errors put into a copy of the payout code, which tests have to notice
	$(BIN)/python -m openpool_management_tests.mutants $(ARGS)

docs: $(STAMP) ## Write the table of options into docs/configuration.md
	$(BIN)/python -m openpool_management_tests.options_document

screenshots: $(STAMP) ## Take the pictures of docs/tour.md anew, from a running demo
	$(BIN)/python -m openpool_management_tests.screenshots

bench: $(STAMP) ## Measure; writes build/bench.json
	@mkdir -p build
	$(BIN)/python -m openpool_management_tests.bench $(ARGS)

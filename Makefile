# Everything needs only make and Python 3.11 or 3.12; the rest is installed into .venv and
# .agent-serving, both inside this folder.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

FITS := import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))
PYTHON ?= $(shell for python in python3 python3.12 python3.11; do \
	$$python -c '$(FITS)' 2>/dev/null && { echo $$python; exit; }; done; echo python3)

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed

.PHONY: help demo up test chaos soak services check format docs clean

help: ## List what can be made
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 16

demo: $(INSTALLED) ## Show a session from end to end; installs what is missing
	@$(BIN)/agent-serving demo

up: $(INSTALLED) ## Run SGLang, Redis and the API here, until Ctrl-C
	@$(BIN)/agent-serving up

# Most tests wait for a server more than they compute, so two processes share them, file by file.
test: services check ## Check the code, then run all tests, on a real SGLang and a real Redis
	$(BIN)/agent-serving engine install
	$(BIN)/python -m pytest -n 2 --dist loadfile

chaos: $(INSTALLED) ## Kill, stop and cut replicas and Redis under 500 turns; print the matrix
	$(BIN)/python -m tests.chaos --turns 500

soak: $(INSTALLED) ## Ten minutes of mixed load that fail on a leak, then the chaos of 500 turns
	$(BIN)/agent-serving soak --minutes 10
	$(BIN)/python -m tests.chaos --turns 500

# The store is tested on a Redis server of the system's too, and over TLS; the explorer in Chromium;
# MCP with a third party's server of git repositories.
services:
	@for program in redis-server openssl chromium git; do \
		command -v $$program >/dev/null || { \
			echo "The tests need $$program on PATH; on Debian:" \
				"apt-get install redis-server openssl chromium git" >&2; exit 1; }; done

check: $(INSTALLED) ## Style, types and import floors, without tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(INSTALLED) ## Rewrite the code in the house's style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(INSTALLED) ## Build the site of docs/ into site/
	@$(BIN)/python -m mkdocs build --strict

clean: ## Remove everything that was installed or built, and all local sessions
	rm -rf $(VENV) .agent-serving dist build site .mypy_cache .ruff_cache .pytest_cache .hypothesis \
		.import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Installed anew when pyproject.toml has changed.
$(INSTALLED): pyproject.toml
	@$(PYTHON) -c '$(FITS)' || { \
		echo "Python 3.11 or 3.12 is needed, and $(PYTHON) is $$($(PYTHON) --version 2>&1)." \
			"Name one: make PYTHON=/path/to/python3.12" >&2; exit 1; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV) || { \
		echo "No virtual environment could be made; on Debian: apt-get install python3-venv" >&2; \
		exit 1; }
	@echo "Installing agent-serving into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

# closebell: `make help` lists what there is. Needs Python 3.11 to 3.14, nothing else.
.DEFAULT_GOAL := help
SHELL := /bin/sh
export PYTHONUTF8 := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

BIN := .venv/bin
PYTHON ?= $(shell for p in python3 python3.11 python3.12 python3.13 python3.14 python; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(not (3,11) <= sys.version_info[:2] <= (3,14))' 2>/dev/null && { command -v $$p; break; }; done)

.venv/installed: requirements.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "closebell needs Python 3.11 to 3.14, and none was found. On Debian or Ubuntu: apt install python3 python3-venv"; exit 1; }
	@"$(PYTHON)" -c 'import venv, ensurepip' 2>/dev/null || { echo "Python's venv module is missing. On Debian or Ubuntu: apt install python3-venv (or the package of your version: $$("$(PYTHON)" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'))"; exit 1; }
	@echo "Installing closebell into .venv (a minute or two, once) ..."
	@"$(PYTHON)" -m venv .venv
	@$(BIN)/python -m pip install -qq --require-hashes -r requirements.txt
	@$(BIN)/python -m pip install -qq --no-deps --no-build-isolation -e .
	@touch $@

.venv/installed-dev: .venv/installed requirements-dev.txt
	@echo "Installing the tools for tests and checks ..."
	@$(BIN)/python -m pip install -qq --require-hashes -r requirements-dev.txt
	@touch $@

.PHONY: help install run up test test-all lint docs bench lock clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/:/' | awk -F: '{printf "  make %-10s%s\n", $$1, $$2}'

install: .venv/installed ## make .venv and install closebell into it

run: .venv/installed ## scan the built-in sample market through Prefect and print its signals
	@$(BIN)/closebell run end-of-day --source sample

up: .venv/installed ## start everything and play a session of the sample market: SPEED=60 by default
	@$(BIN)/closebell up --demo --speed $(or $(SPEED),60)

test: .venv/installed-dev ## the tests that need only Python, but for some 250 slow ones (make test-all)
	@$(BIN)/python -m pytest -n 2 --dist loadfile -m "not system and not slow and not browser" $(ARGS)

test-all: .venv/installed-dev ## every test; installs Debian packages when root
	@sh tests/install-system-packages.sh
	@ended=0; \
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not system" $(ARGS) || ended=$$?; \
	$(BIN)/python -m pytest -m system $(ARGS) $(if $(findstring --cov,$(ARGS)),--cov-append) || ended=$$?; \
	exit $$ended

lint: .venv/installed-dev ## style, types and import contracts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

docs: .venv/installed-dev ## these pages as a site in build/docs; fails on a broken link
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

bench: .venv/installed-dev ## the benchmarks, each against a rival in the same run
	@for b in bench/*.py; do echo "== $$b"; $(BIN)/python $$b || exit 1; done

lock: .venv/installed-dev ## write the requirements files anew
	@$(BIN)/uv pip compile -q --no-strip-extras --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --extra build -o requirements.txt pyproject.toml
	@$(BIN)/uv pip compile -q --no-strip-extras --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --extra build --extra dev -o requirements-dev.txt pyproject.toml
	@$(BIN)/uv pip compile -q --no-strip-extras --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --extra build --extra scale -c requirements.txt -o requirements-scale.txt pyproject.toml
	@echo vectorbt | $(BIN)/uv pip compile -q --no-strip-extras --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -o requirements-bench.txt -

clean: ## remove .venv and caches (never your data)
	@rm -rf .venv build *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache

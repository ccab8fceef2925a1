# Tapewatch. `make help` lists what there is; `make run` and `make test` need nothing but python3.
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
HOST ?= 127.0.0.1
PORT ?= 8501
CONFIG ?=
FILE ?=
ARGS ?=
export FILE

.DEFAULT_GOAL := help
.PHONY: help run test setup check bench reliability docs screenshots doctor import backup restore clean

help: ## list the commands
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

run: $(VENV)/.ready-run ## start Tapewatch: with tapewatch.toml (or CONFIG=path) what it names, else the demo stack
	@exec env HOST=$(HOST) PORT=$(PORT) $(if $(CONFIG),TAPEWATCH_CONFIG=$(CONFIG)) $(BIN)/python serve.py

test: $(VENV)/.ready-test ## run all tests
	@$(BIN)/python -m pytest

setup: $(VENV)/.ready-run ## create the virtual environment with the locked packages

check: $(VENV)/.ready-test ## lint, types, import contract
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: $(VENV)/.ready-test ## run the benchmarks; writes benchmarks/results.json and docs/performance.md
	@$(BIN)/python -m benchmarks

docs: $(VENV)/.ready-run ## write docs/metrics.md from the catalogue of metrics
	@$(BIN)/python docs/metrics.py

reliability: $(VENV)/.ready-test ## break every dependency in every way and write what the probes say into docs/reliability.md
	@TAPEWATCH_WRITE_RELIABILITY=1 $(BIN)/python -m pytest -rP tests/probes/test_fault_matrix.py

screenshots: $(VENV)/.ready-test ## take the pictures of the documents from a demo; ARGS="kafka past" for some
	@$(BIN)/python docs/screenshots.py $(ARGS)

doctor: $(VENV)/.ready-run ## try every configured connection once and say what is wrong
	@$(if $(CONFIG),TAPEWATCH_CONFIG=$(CONFIG)) $(BIN)/python doctor.py

import: $(VENV)/.ready-run ## write a file of samples into the history: FILE=path, options as ARGS="…" (docs/import.md)
	@$(if $(CONFIG),TAPEWATCH_CONFIG=$(CONFIG)) $(BIN)/python import_file.py $(ARGS) "$$FILE"

backup: $(VENV)/.ready-run ## back up the embedded history, running or not, to TO=path (default var/backups/<UTC time>.tar)
	@$(if $(CONFIG),TAPEWATCH_CONFIG=$(CONFIG)) $(BIN)/python backup.py backup "$$TO" --disk "$${DISK:-backups}"

restore: $(VENV)/.ready-run ## restore the backup FROM=path into an empty history
	@$(if $(CONFIG),TAPEWATCH_CONFIG=$(CONFIG)) $(BIN)/python backup.py restore "$$FROM" --disk "$${DISK:-backups}"

clean: ## remove the virtual environment and everything generated
	rm -rf $(VENV) var .mypy_cache .ruff_cache .pytest_cache

$(VENV)/.ready-run: requirements.txt requirements-demo.txt constraints.txt deploy/setup.sh
	@PYTHON=$(PYTHON) sh deploy/setup.sh run

$(VENV)/.ready-test: requirements.txt requirements-demo.txt requirements-dev.txt constraints.txt deploy/setup.sh
	@PYTHON=$(PYTHON) sh deploy/setup.sh test

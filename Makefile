# Two commands: `make run` opens the window on a bundled sample, `make test` passes every test.
# Both make .venv and install everything on first use, and again when pyproject.toml or constraints.txt change.

SHELL := bash
BIN := .venv/bin
export OMP_WAIT_POLICY ?= PASSIVE

.PHONY: help run test lint format libraries setup samples clean
.DEFAULT_GOAL := help

help:
	@echo "make run      open the window on a bundled sample (without a display: draw it into out/window.png)"
	@echo "make test     run every test; make test ARGS='-k dose -x' runs some"
	@echo "make lint     ruff, mypy and import-linter"
	@echo "make format   let ruff rewrite the sources"
	@echo "make samples  make resources/samples again"
	@echo "make clean    remove .venv, caches and out/"

run: setup
	@installer/run.sh

test: setup
	QT_QPA_PLATFORM=offscreen $(BIN)/python -m pytest $(ARGS)

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

samples: setup
	$(BIN)/python -m denoise_studio.training.make_samples

setup: .venv/installed libraries

libraries: .venv/installed
	@$(BIN)/python installer/system_libraries.py

.venv/installed: pyproject.toml constraints.txt
	@installer/setup.sh

clean:
	rm -rf .venv out .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

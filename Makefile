# `make` alone lists the verbs. Everything runs in .venv, which `make install` builds from nothing.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help install demo up test check bench format test-faults train-model eval-model clean

help: ## list these verbs
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

$(STAMP): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	@# the CPU build of torch first, so that nothing after it asks for another one
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --progress-bar off torch==2.13.0
	$(BIN)/python -m pip install --progress-bar off --editable '.[dev]'
	@touch $@

install: $(STAMP) ## make the virtualenv and install vidgen with its development tools

demo: $(STAMP) ## start the service, make three clips over HTTP, verify the webhooks, stop
	$(BIN)/python docs/examples/creator.py

up: $(STAMP) ## keep portal and worker running, and print the address
	$(BIN)/vidgen up

check: $(STAMP) ## the fast gate: format, lint, types, layers, fast tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -q -m "not integration and not faults and not browser and not slow and not gpu" tests

test: $(STAMP) ## every test that this machine can run
	$(BIN)/pytest tests

test-faults: $(STAMP) ## the tests that kill processes
	$(BIN)/pytest -m faults tests

bench: $(STAMP) ## speed and fidelity beside stock diffusers, in one run
	$(BIN)/python -m tests.bench.text_to_video

format: $(STAMP) ## let ruff format and fix the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean: ## remove the virtualenv and everything the demo made
	rm -rf $(VENV) .demo

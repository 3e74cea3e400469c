# Everything starts here; `make` alone lists the targets. Each does its own set-up.
.DEFAULT_GOAL := help
.PHONY: help demo serve unit fmt check test bench bench-cases test-faults wheel clean fuzz soak

PORT ?= 8000
BIN := .venv/bin

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 16

demo: ## play the story and show its map until Ctrl-C (ONCE=1: stop after the story)
	@scripts/setup.sh run
	@$(BIN)/gridsvc demo $(if $(ONCE),--once)

serve: ## serve on 127.0.0.1 (PORT=8000)
	@scripts/setup.sh run
	@$(BIN)/gridsvc serve --port $(PORT)

unit: ## the quick unit tests
	@scripts/setup.sh test
	@scripts/timed.sh $(BIN)/python -m pytest -n 2 --no-loadscope-reorder -m "not alone and not slow" tests/unit

fmt: ## format, and mend what the linter can
	@scripts/setup.sh test
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

check: ## lint, format, types and direction of imports
	@scripts/setup.sh test
	@scripts/timed.sh $(BIN)/ruff check .
	@scripts/timed.sh $(BIN)/ruff format --check .
	@scripts/timed.sh $(BIN)/mypy
	@scripts/timed.sh $(BIN)/lint-imports

test: check ## check, then all tests: what CI runs; prints what the unit tests cover
	@scripts/timed.sh $(BIN)/python -m pytest -n 2 --no-loadscope-reorder -m "not alone" --ignore=tests/unit
	@scripts/timed.sh $(BIN)/python -m pytest -n 2 --no-loadscope-reorder -m "not alone" --cov=gridsvc tests/unit
	@scripts/timed.sh $(BIN)/python -m pytest -m alone

test-faults: ## kill, cut and tear at random, 100 rounds (an hour; GRIDSVC_FAULT_ROUNDS)
	@scripts/setup.sh test
	@GRIDSVC_FAULT_ROUNDS=$${GRIDSVC_FAULT_ROUNDS:-100} $(BIN)/python -m pytest -q -m alone tests/faults

soak: ## half an hour at 70 % of the limit, then far above it (MINUTES=30)
	@scripts/setup.sh test
	@$(BIN)/python -m benchmarks.soak --minutes $(or $(MINUTES),30)

fuzz: ## an hour of spoilt input for every reader (SECONDS=3600); what breaks one is kept
	@scripts/setup.sh test
	@$(BIN)/pip install --quiet atheris==3.0.0 || echo "No atheris for this Python: our own generator chooses."
	@$(BIN)/python -m tests.fuzz $(or $(SECONDS),3600)

bench: ## compare the locator with other tools: docs/benchmarks*.md (20 minutes, a quiet machine)
	@scripts/setup.sh bench
	@$(BIN)/python -m benchmarks
	@$(BIN)/python -m benchmarks.over_http

bench-cases: ## ten million reports: docs/benchmarks-cases.md (40 minutes, 60 GB in var/cases)
	@scripts/setup.sh bench
	@$(BIN)/python -m benchmarks.cases_at_scale --remove

wheel: ## build the wheel, its SBOM and list of licences, and play the demo from it
	@scripts/setup.sh test
	@scripts/wheel.sh

clean: ## remove the environment, the caches and the private cluster with its data
	@scripts/clean.sh

# Two commands are all the set-up there is: `make run` and `make test`.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
PACKAGES := shared services/intake services/tier1 services/tier2 services/tier3-liaison services/notifier deploy/embedded
PROJECTS := $(addsuffix /pyproject.toml,$(PACKAGES))
STAMP := .venv/.installed
PYTEST := $(BIN)/python -m pytest
# The longest first: two run side by side, and neither shall wait for the other at the end.
STORIES := $(addprefix tests/,failure upgrade journey service contract simulation unit)

help: ## What can be made
	@grep -hE '^[a-z-]+:.*## ' Makefile | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

install: $(STAMP) ## The set-up alone: a virtual environment with everything in it

$(STAMP): requirements.lock $(PROJECTS) deploy/setup.sh
	@bash deploy/setup.sh $(PYTHON) $(PACKAGES)
	@touch $(STAMP)

run: install ## Run the five services and play the sample day (ARGS=--once ends after it)
	@$(BIN)/tierline demo $(ARGS)

test: install ## Every test there is
	$(PYTEST) -n 2 --dist loadfile --no-loadscope-reorder $(STORIES) $(ARGS)

unit: install ## The pure rules
	$(PYTEST) tests/unit $(ARGS)

contract: install ## Both bus adapters, one suite
	$(PYTEST) tests/contract $(ARGS)

service: install ## Each service through its doors
	$(PYTEST) tests/service $(ARGS)

journey: install ## A ticket's whole life
	$(PYTEST) tests/journey $(ARGS)

failure: install ## What must hold when things die
	$(PYTEST) tests/failure $(ARGS)

upgrade: install ## The release before this one, and this one, together
	$(PYTEST) tests/upgrade $(ARGS)

sim: install ## 100,000 seeds of bad weather (SEED=n repeats one and tells its story)
	@cd tests && ../$(BIN)/python -m simulation.sim $(if $(SEED),--seed $(SEED)) $(ARGS)

storm: install ## Ten minutes of kills, restarts and bad wires (SECONDS=, SEED=, ADAPTER=log)
	@cd tests && ../$(BIN)/python -m storm.run --seconds $(or $(SECONDS),600) $(if $(SEED),--seed $(SEED)) $(if $(ADAPTER),--adapter $(ADAPTER))

bench: install ## Measure, side by side with a floor
	@$(BIN)/python tests/benchmarks/run.py $(ARGS)

check: install ## Format, lint, types, imports
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: install ## Put the code into its form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: install ## Draw what is drawn from the code
	$(BIN)/python -m tierline.desk.publish docs

kafka: install ## A real Apache Kafka on this machine, without Docker
	@$(BIN)/python deploy/kafka-local/kafka_local.py $(ARGS)

LOCKING := --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --overrides deploy/overrides.txt

lock: ## Lock every version with its hashes: for the workspace, and of these what a service's container needs
	$(BIN)/python deploy/wanted.py > .venv/wanted.txt
	$(BIN)/uv pip compile -q .venv/wanted.txt $(LOCKING) -o requirements.lock
	$(BIN)/python deploy/wanted.py services > .venv/wanted.txt
	$(BIN)/uv pip compile -q .venv/wanted.txt $(LOCKING) -c requirements.lock -o deploy/service.lock

clean: ## Forget the virtual environment and the caches, keep the data
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

.PHONY: help install run test unit contract service journey failure upgrade sim storm bench check format docs kafka lock clean

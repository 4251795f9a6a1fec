# The marketplace's commands. `make` alone lists them.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PORT ?= 8080
DATA ?= .data
URL ?= http://127.0.0.1:$(PORT)
PYTHON := .venv/bin/python
export PYTHONPATH := .:functions:layers/kernel/python
unexport PYTHONDONTWRITEBYTECODE # where it is set, every process would compile what it imports
READY := .venv/ready
WORKERS ?= 2
# a file's tests share servers; in the order of tests/conftest.py, which puts the longest files first
SPREAD := --dist loadfile --no-loadscope-reorder
RECORDS := --access-patterns=.cache/access-patterns.json --contract-report=.cache/contract.json

##@ Start here

run: $(READY) ## Serve the whole marketplace with a seeded store (PORT=8080 DATA=.data)
	@exec $(PYTHON) -m local --port $(PORT) --data $(DATA)

demo: $(READY) ## Buy from two vendors at a running marketplace, as a story (URL=)
	@$(PYTHON) -m demo --url $(URL)

test: $(READY) ## The everyday tests, in a few minutes (SLOW=1 for every test)
	@$(PYTHON) -m pytest -n $(WORKERS) $(SPREAD) $(if $(SLOW),,-m "not slow") $(if $(RECORD),$(RECORDS))

import: $(READY) ## Import a catalogue into a running marketplace (FILE= MAPPING= VENDORS= URL=)
	@test -n "$(FILE)" || { echo "Name a file: make import FILE=products.csv (see docs/import.md)"; exit 1; }
	@$(PYTHON) -m tools.import_catalogue --url $(URL) --file "$(FILE)" $(if $(MAPPING),--mapping "$(MAPPING)") $(if $(VENDORS),--vendors "$(VENDORS)") --staff $(DATA)/staff-login.json

##@ Checks

lint: $(READY) ## Style and types: ruff, mypy --strict
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy

contract: ## Run every test, and list the features that have passing ones
	@$(MAKE) test SLOW=1 RECORD=1
	@$(PYTHON) -m tools.contract

mutants: $(READY) ## Break the code of money and stock in small ways, and list what no test notices (CHECK=1 a sample, WORDS=)
	@$(PYTHON) -m tools.mutants $(if $(CHECK),--check) $(WORDS)

bench: $(READY) ## Measure speed and cost, and print the figures
	@$(PYTHON) -m bench

cost: $(READY) ## Print dollars per 1,000 orders on AWS, by service
	@$(PYTHON) -m bench dollars

##@ Infrastructure

synth: $(READY) ## Synthesize the CloudFormation templates, with packaged functions (STAGE=dev)
	@npx --no-install cdk synth --quiet -c stage=$(or $(STAGE),dev)

gates: $(READY) ## Check the templates offline: CDK, cdk-nag, cfn-lint, asl-validator
	@$(PYTHON) -m infra.gates

rehearse: $(READY) ## Deploy the CDK app to an AWS emulator and run the demo there
	@$(PYTHON) -m infra.rehearse

deploy: $(READY) ## Deploy to AWS, with your own credentials (STAGE=dev)
	@npx --no-install cdk deploy --all -c stage=$(or $(STAGE),dev)

##@ Upkeep

docs: $(READY) ## Regenerate OpenAPI, event schemas, mails, settings and permissions, and from a run of every test access patterns and features
	@$(PYTHON) -m tools.openapi
	@$(PYTHON) -m tools.events
	@$(PYTHON) -m tools.mails
	@$(PYTHON) -m tools.settings
	@$(PYTHON) -m tools.permissions
	@$(MAKE) test SLOW=1 RECORD=1
	@$(PYTHON) -m tools.access_patterns --write
	@$(PYTHON) -m tools.contract --write

format: $(READY) ## Put the code into our style
	@.venv/bin/ruff check --fix --quiet . || true
	@.venv/bin/ruff format .

lock: $(READY) ## Resolve the dependencies anew, with hashes
	@.venv/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --custom-compile-command "make lock" layers/dependencies/requirements.in -o layers/dependencies/requirements.txt
	@.venv/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --custom-compile-command "make lock" layers/documents/requirements.in -o layers/documents/requirements.txt
	@.venv/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --custom-compile-command "make lock" layers/imaging/requirements.in -o layers/imaging/requirements.txt
	@.venv/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --custom-compile-command "make lock" -c layers/dependencies/requirements.txt layers/stripe/requirements.in -o layers/stripe/requirements.txt
	@.venv/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --custom-compile-command "make lock" -c layers/dependencies/requirements.txt layers/addresses/requirements.in -o layers/addresses/requirements.txt
	@.venv/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --custom-compile-command "make lock" -c layers/dependencies/requirements.txt layers/calendars/requirements.in -o layers/calendars/requirements.txt
	@.venv/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --custom-compile-command "make lock" -c layers/dependencies/requirements.txt requirements/dev.in -o requirements/dev.txt
	@.venv/bin/uv pip compile -q --generate-hashes --no-emit-index-url --custom-compile-command "make lock" requirements/uv.in -o requirements/uv.txt

clean: ## Remove everything that was installed, built or stored here
	@rm -rf .venv node_modules .cache .data cdk.out

help: ## This list
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## Install everything (the other commands do it by themselves)

$(READY): requirements/dev.txt requirements/uv.txt package-lock.json tools/setup.sh
	@tools/setup.sh

.PHONY: run demo test import lint contract mutants bench cost synth gates rehearse deploy docs format lock clean help setup

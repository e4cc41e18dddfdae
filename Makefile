# Two commands are enough: `make reports` and `make test`. `make help` lists the rest.
PYTHON ?= python3
BIN := .venv/bin
JOBS ?= 2
STUDY ?= complete_journey
COMPILE := $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header --no-annotate

.DEFAULT_GOAL := help
.PHONY: help setup reports demo run test lint style lab serve bench system dictionary lock clean

help: ## list what there is
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-11s %s\n", $$1, $$2}'

setup: .venv/.installed ## create .venv and install the locked requirements

reports: .venv/.installed ## publish the reports of the real data set
	@$(BIN)/analysis run complete_journey --jobs $(JOBS)

demo: .venv/.installed ## publish the reports of the simulated shop
	@$(BIN)/analysis run demo_shop --jobs $(JOBS)

test: system style ## install what tests need, check the code, run every test
	@$(BIN)/pytest -n $(JOBS) --dist worksteal

lint: style ## format, lint, types, who may import whom, clean notebooks
	@$(BIN)/mypy

style: .venv/.installed-test
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/lint-imports
	@$(BIN)/python -m analysis.reporting.notebook.hygiene notebooks/*.ipynb

run: .venv/.installed ## publish the reports of a study of your own: make run STUDY=myshop
	@$(BIN)/analysis run $(STUDY) --jobs $(JOBS)

lab: .venv/.installed ## open JupyterLab on the notebooks, with a study's parameters: make lab STUDY=demo_shop
	@$(BIN)/analysis lab $(STUDY)

serve: .venv/.installed ## show the published reports at http://127.0.0.1:8000
	@$(BIN)/analysis serve

bench: .venv/.installed-test ## measure this project beside what a user would pick instead
	@$(BIN)/python -m benchmarks

system: ## install the system packages that tests need, or say how
	@sh tests/system-packages.sh

dictionary: .venv/.installed ## print the data dictionary from the schema into data/README.md
	@$(BIN)/python -m analysis.tables.dictionary data/README.md

lock: .venv/.installed ## resolve the requirements anew
	$(COMPILE) --upgrade --extra build pyproject.toml -o requirements.lock
	$(COMPILE) --upgrade --extra build --extra test --extra spark --extra databases --extra matching \
		--extra benchmark -c requirements.lock pyproject.toml -o requirements-test.lock

clean: ## remove the environment and everything that can be made again
	rm -rf .venv data/canonical data/simulated .pytest_cache .mypy_cache .ruff_cache .hypothesis

.venv/bin/uv: requirements-uv.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] < (3, 11))' || \
		{ echo "This project needs Python 3.11 or newer; name one: make PYTHON=python3.12 ..."; exit 2; }
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-uv.lock
	@touch $@

# Compiled once: where PYTHONDONTWRITEBYTECODE is set, every report would compile pandas anew.
.venv/.installed: .venv/bin/uv requirements.lock pyproject.toml
	@$(BIN)/uv pip install -q --compile-bytecode -p $(BIN)/python --require-hashes -r requirements.lock
	@$(BIN)/uv pip install -q -p $(BIN)/python --no-deps --no-build-isolation -e .
	@$(BIN)/python -m compileall -q src
	@touch $@

.venv/.installed-test: .venv/.installed requirements-test.lock
	@$(BIN)/uv pip install -q --compile-bytecode -p $(BIN)/python --require-hashes -r requirements-test.lock
	@touch $@

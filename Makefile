# Needs Python ≥ 3.11 and make; everything else is fetched into .venv, and the real servers of the tests into .servers.

PYTHON  ?= python3
VENV    ?= .venv
ARGS    ?=
bin      = $(VENV)/bin
install  = $(bin)/python -m pip install --quiet --no-input --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help serve test servers check generated bench soak lock clean

help:  ## what there is to do
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

serve: $(VENV)/.serves  ## run the hub: make serve ARGS="--port 9000"
	@$(bin)/tocsin serve $(ARGS)

test: $(VENV)/.tests  ## run every test whose server is here: make test ARGS="tests/core -x"
	@$(bin)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadgroup $(ARGS)

servers:  ## fetch the real servers that the end-to-end tests meet
	@bash tests/e2e/servers.sh

check: $(VENV)/.tests  ## style, types and the direction of imports
	$(bin)/ruff check .
	$(bin)/ruff format --check .
	$(bin)/mypy --strict
	$(bin)/lint-imports

generated: $(VENV)/.tests  ## schemas and reference, made anew of the keys and the tools that are there
	$(bin)/tocsin schema > .generated && mv .generated routes.schema.json
	$(bin)/tocsin schema --included > .generated && mv .generated included.schema.json
	$(bin)/tocsin schema --reference > .generated && mv .generated docs/reference.md

bench: $(VENV)/.tests  ## how fast, how heavy
	@$(bin)/python -m bench $(ARGS)

soak: $(VENV)/.tests  ## kill it under load, again and again, and look whether anything is lost
	@PYTHONPATH=tests/e2e $(bin)/python -m soak $(ARGS)

lock: $(VENV)/.tests  ## choose the newest versions that pyproject.toml allows
	@bash .ci/lock.sh $(bin)/python

clean:  ## forget what was fetched and built; databases stay
	rm -rf $(VENV) .servers .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist build

$(VENV)/.python:
	@bash .ci/venv.sh "$(PYTHON)" "$(VENV)"
	@touch $@

$(VENV)/.serves: requirements/runtime.lock requirements/build.lock pyproject.toml | $(VENV)/.python
	@echo "Setting up $(VENV) (about half a minute, once) …"
	@$(install) --require-hashes -r requirements/runtime.lock -r requirements/build.lock
	@$(install) --no-build-isolation --no-deps --editable .
	@touch $@

$(VENV)/.tests: requirements/dev.lock pyproject.toml | $(VENV)/.python
	@echo "Setting up $(VENV) for the tests (about a minute, once) …"
	@$(install) --require-hashes -r requirements/dev.lock
	@$(install) --no-build-isolation --no-deps --editable .
	@touch $@

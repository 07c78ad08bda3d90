# Two commands matter to a newcomer: `make demo` and `make test`. Both call `make setup` themselves.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CLIENTS := .venv-clients
# uv does not read pip's configuration: hand it the package index that pip uses on this machine, if one is set.
INDEX = $(shell $(PYTHON) -m pip config get global.index-url 2>/dev/null)
UV = $(if $(INDEX),UV_DEFAULT_INDEX=$(INDEX) )$(BIN)/uv

.PHONY: help setup clients demo docs test check down constraints clients-constraints clean

help:  ## list the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup: $(VENV)/.done  ## make .venv with all that demo and tests need

$(VENV)/.done: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "HDQM needs Python 3.11 or newer: make setup PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt uv
	$(UV) pip install --quiet --compile-bytecode --python $(BIN)/python --constraint constraints.txt --editable '.[airflow,dev]'
	touch $@

clients: $(CLIENTS)/.done  ## the public clients of OMS and Run Registry in .venv-clients, for acceptance tests

# A virtual environment of their own: their dependencies quarrel with Airflow's. Run Registry's tests are in its sdist only.
$(CLIENTS)/.done: tests/acceptance/clients.txt
	$(PYTHON) -m venv $(CLIENTS)
	$(CLIENTS)/bin/python -m pip install --quiet --requirement tests/acceptance/clients.txt
	$(CLIENTS)/bin/python -m pip download --quiet --no-deps --no-binary :all: --dest $(CLIENTS) $$(grep ^runregistry== $<)
	tar -xzf $(CLIENTS)/runregistry-*.tar.gz -C $(CLIENTS)
	touch $@

demo: setup  ## simulated DQM files through Airflow into TimescaleDB; stays up until `make down`
	$(BIN)/hdqm demo

down:  ## stop what `make demo` or `hdqm up` started
	$(BIN)/hdqm down

# Three files at once, even on two cores: much of it is waiting. A few tests are quicker without; a named server has one set of roles.
WORKERS ?= $(if $(ARGS)$(HDQM_TEST_DATABASE_URL),0,3)

test: setup  ## all tests; some: make test ARGS="tests/unit -k name"
	$(BIN)/python -m pytest -n $(WORKERS) --no-loadscope-reorder $(ARGS)

docs: setup  ## the documentation as pages: docs/_build/html/index.html
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html

check: setup  ## ruff, mypy --strict, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

constraints: setup  ## pin everything anew in constraints.txt
	$(UV) pip compile --quiet --all-extras --universal --python-version 3.11 --no-header --no-annotate --no-emit-index-url \
	    --upgrade --output-file constraints.txt pyproject.toml

clients-constraints: setup  ## pin the public clients anew
	$(UV) pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate --no-emit-index-url --upgrade \
	    --output-file tests/acceptance/clients.txt tests/acceptance/clients.in

clean:  ## remove the virtual environments and all state of the local stack, its data included
	test ! -x $(BIN)/hdqm || $(BIN)/hdqm down --destroy
	rm -rf $(VENV) $(CLIENTS)

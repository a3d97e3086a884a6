# make run       creates .venv, installs, runs configs/digits.yaml, prints where the report is
# make test      creates .venv if it is missing, installs what tests need, runs lint, types and tests
# make search    runs N random networks through all engines and compares them bit by bit
# make torture   reads N damaged files, kills KILLS commands, and counts tracebacks, hangs, lost stages and reads of
#                other files; see tests/torture
# make walk      runs the tests marked `walk`, which the suite leaves out, then converts and simulates the table of
#                admission with every back end; takes hours
# make docs      builds the documentation in build/docs
# make refresh   writes all generated files again, the notebook of the tutorial too; look at the difference afterwards
# make notebook  runs the tutorial and writes docs/tutorial.ipynb
# make zoo       runs every ready configuration and writes docs/zoo.md; takes hours
SHELL := /bin/bash
PYTHONS := python3.11 python3.12 python3.13
ifndef PYTHON
# The first that starts: a shim of a version manager may be on PATH without its Python.
PYTHON := $(firstword $(foreach python,$(PYTHONS),$(shell $(python) -c 'print("$(python)")' 2>/dev/null)) python3.11)
endif
VENV := .venv
BIN := $(VENV)/bin
CONFIG ?= configs/digits.yaml
N ?= 100
KILLS ?= 0
JOBS ?= 2

.PHONY: run test search torture walk zoo docs refresh notebook install install-test install-docs requirements clean

run: install
	@$(BIN)/trigcnn run $(CONFIG)

test: install-test
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/lint-imports
	@$(BIN)/mypy & types=$$!; \
	$(BIN)/python -m pytest --numprocesses $(JOBS) --dist loadfile --no-loadscope-reorder; tests=$$?; \
	wait $$types && exit $$tests

zoo: install
	@$(BIN)/trigcnn zoo --page docs/zoo.md --jobs $(JOBS)

search: install-test
	@$(BIN)/python -m tests.search --networks $(N)

torture: install-test
	@$(BIN)/python -m tests.torture --files $(N) --kills $(KILLS)

walk: install-test
	@$(BIN)/python -m pytest -m walk --numprocesses $(JOBS) --dist loadfile; tests=$$?; \
	$(BIN)/python -m tests.hls.walk && exit $$tests

docs: install-docs
	@$(BIN)/python -m sphinx -q -W -n --keep-going -b html docs build/docs
	@echo "documentation: build/docs/index.html"

refresh: install-test
	@$(BIN)/python -m tests.refresh
	@$(MAKE) --no-print-directory notebook

notebook: install-docs
	@$(BIN)/python -m tests.docs.notebook

install: $(VENV)/installed
install-test: $(VENV)/installed-test
install-docs: $(VENV)/installed-docs

# Names missing system packages before anything long begins.
requirements:
	@missing=; \
	if ! $(PYTHON) -c '' 2>/dev/null; then missing="$$missing\n  Python 3.11 to 3.13   Debian: apt install python3 python3-venv   RHEL: dnf install python3.11"; \
	elif ! $(PYTHON) -c 'import ensurepip' 2>/dev/null; then missing="$$missing\n  venv          Debian: apt install $(notdir $(PYTHON))-venv"; fi; \
	command -v g++ >/dev/null || missing="$$missing\n  g++           Debian: apt install g++                           RHEL: dnf install gcc-c++"; \
	command -v make >/dev/null || missing="$$missing\n  make          Debian: apt install make                          RHEL: dnf install make"; \
	if [ -n "$$missing" ]; then printf "missing:$$missing\n" >&2; exit 3; fi

# The stamp is set last, so that an interrupted environment is created again.
$(VENV)/created: | requirements
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/installed: pyproject.toml | requirements $(VENV)/created
	@echo "installing into $(VENV) (about a minute)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/installed-test: pyproject.toml | requirements $(VENV)/created
	@echo "installing into $(VENV), with what tests need (about a minute)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	@touch $@ $(VENV)/installed $(VENV)/installed-docs

$(VENV)/installed-docs: pyproject.toml | requirements $(VENV)/created
	@echo "installing into $(VENV), with what the documentation needs (about a minute)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[docs]'
	@touch $@ $(VENV)/installed

clean:
	rm -rf $(VENV) build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache *.egg-info

# One way to do each thing. `make run` and `make test` install what they need by themselves.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3 python; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { command -v $$p; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
# Wheels for search by meaning do not exist for musl (Alpine): there the bot runs, and searches by words.
EXTRAS := $(shell ldd --version 2>&1 | grep -qi musl && echo "" || echo "vectors")
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e

.PHONY: venv run chat test check eval clean

venv: $(VENV)/installed

$(VENV)/installed: pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "Reverie needs Python 3.11 or newer; none was found. Install it, or: make PYTHON=/path/to/python3"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing Reverie into $(VENV) (once)" >&2
	@$(INSTALL) '.[$(EXTRAS)]'
	@touch $@

$(VENV)/tested: $(VENV)/installed
	@echo "installing what tests need (once)" >&2
	@$(INSTALL) '.[test$(if $(EXTRAS),$(comma)$(EXTRAS))]'
	@touch $@
comma := ,

run: $(VENV)/installed        ## everything that is configured; on a terminal also the chat
	@$(BIN)/python -m bot run

chat: $(VENV)/installed       ## the terminal chat
	@$(BIN)/python -m bot chat

check: $(VENV)/tested         ## format, lint, types, layers, sizes
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q tests/unit/test_house.py

test: check                   ## all checks and all tests
	$(BIN)/python -m pytest -q -n 3 -m "not alone"
	$(BIN)/python -m pytest -q -m alone

# LoCoMo's licence keeps it out of this repository: DATA says where its conversations are.
DATA := $(wildcard ../shared/data/locomo)
eval: $(VENV)/tested          ## how well it finds and remembers, in figures, and docs/retrieval.svg
	$(BIN)/python benchmarks/retrieval.py $(DATA) benchmarks/data
	$(BIN)/python -m bot eval memory

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

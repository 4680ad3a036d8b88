PYTHON ?= python3
ARGS ?=

BIN := .venv/bin
STAMP := .venv/.installed
DEMO := runs/demo
MARK := $(DEMO)/.made-by-make-demo

.PHONY: help demo test lint bench docs site clean

help:
	@echo "make demo    train on handwritten digits, results in $(DEMO)"
	@echo "make test    run the tests          (the slow ones too: make test ARGS='-m \"\"')"
	@echo "make lint    ruff and mypy"
	@echo "make bench   time against plain Brian2 (and BindsNET: make bench BINDSNET=PYTHON that has it)"
	@echo "make docs    pages and figures of rules and neurons (the text alone: make docs ARGS=--text)"
	@echo "make site    the documentation as a site, in site/"
	@echo "make clean   remove .venv and caches; runs are kept"
	@echo "The first of them makes .venv with PYTHON=$(PYTHON) and installs into it."

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null || { \
	  echo "PYTHON must be Python 3.11 or later, got $(PYTHON) ($$($(PYTHON) --version 2>&1));" \
	    "name another: make PYTHON=python3.12 ..." >&2; exit 2; }
	@echo "installing into .venv: a minute or two, once"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

demo: $(STAMP)
	@test ! -e $(DEMO) || test -e $(MARK) || { \
	  echo "$(DEMO) must be absent or made by 'make demo', got a folder of another origin;" \
	    "rename it" >&2; exit 2; }
	@rm -rf $(DEMO)
	@# Marked whatever happens, Ctrl-C included: else the next demo would refuse its own remains.
	@trap : INT TERM; $(BIN)/stdpnet train conv-stdp --dataset digits --seed 0 --out $(DEMO); \
	  status=$$?; test ! -d $(DEMO) || touch $(MARK); exit $$status
	@$(BIN)/stdpnet report $(DEMO)

test: $(STAMP)
	@$(BIN)/python -m pytest -m "not slow" $(ARGS)

lint: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: $(STAMP)
	@$(BIN)/python benchmarks/bench.py $(ARGS)
	@$(BIN)/python benchmarks/dense.py $(if $(BINDSNET),--bindsnet $(BINDSNET))

docs: $(STAMP)
	@$(BIN)/python analysis/model_pages.py $(ARGS)

site: $(STAMP)
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet $(ARGS)
	@echo site/index.html

clean:
	rm -rf site .venv .pytest_cache .mypy_cache .ruff_cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

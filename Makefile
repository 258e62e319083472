# PYTHON makes the virtual environment VENV, in which everything runs:
# make test-fast PYTHON=python3.13 VENV=.venv-3.13
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PYTEST := $(BIN)/python -m pytest -q -n 2 --dist loadgroup --no-loadscope-reorder
export TF_CPP_MIN_LOG_LEVEL ?= 3

.PHONY: demo test test-fast lint docs clean

# Caption, train, evaluate, export and reload; writes demo_report/index.html.
demo: $(VENV)/demo.stamp
	$(BIN)/python apps/demo/run.py

test: lint
	$(PYTEST)

# The tests without trainings, exports and commands: at most 3 minutes on two cores.
test-fast: $(VENV)/dev.stamp
	$(PYTEST) -m fast

lint: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-logo

# The site of docs/ with the API reference, in site/; a warning is an error.
docs: $(VENV)/docs.stamp
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

# A stamp stands for an installed set of extras, installed again when the
# requirements change.
$(VENV)/%.stamp: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable ".[$*]"
	touch $@

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || { \
	  echo "mmkeras needs Python 3.11 to 3.13. Choose one: make PYTHON=python3.12"; \
	  exit 1; }
	$(PYTHON) -m venv $(VENV) || { \
	  rm -rf $(VENV); \
	  echo "The virtual environment was not created; on Debian: apt install python3-venv"; \
	  exit 1; }

clean:
	rm -rf .venv .venv-* $(VENV) demo_report site

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export TF_CPP_MIN_LOG_LEVEL ?= 3

.PHONY: demo test clean

demo: $(VENV)/demo.stamp
	$(BIN)/python apps/demo/run.py

test: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder

# Each stamp is an installed set of extras; it is made anew when what is asked
# for changes.
$(VENV)/%.stamp: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable ".[$*]"
	touch $@

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || { \
	  echo "mmkeras needs Python 3.11 to 3.13; say which: make PYTHON=python3.12"; \
	  exit 1; }
	$(PYTHON) -m venv $(VENV) || { \
	  rm -rf $(VENV); \
	  echo "no virtual environment was made; on Debian: apt install python3-venv"; \
	  exit 1; }

clean:
	rm -rf $(VENV) demo_report

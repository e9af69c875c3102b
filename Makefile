# Two commands do it all: `make demo` and `make test`. Each makes the environment it needs.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt

.PHONY: demo test lint unit packages benchmarks clean

demo: $(VENV)/.demo
	$(BIN)/analyst model pull
	$(BIN)/python notebooks/demo.py

test: lint unit

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

unit: $(VENV)/.test packages
	$(BIN)/analyst model pull
	$(BIN)/python -m pytest

packages:
	@{ command -v chromium || command -v chromium-browser; } >/dev/null \
		&& { command -v pg_ctl || ls /usr/lib/postgresql/*/bin/pg_ctl; } >/dev/null 2>&1 \
		|| .ci/debian-packages

benchmarks: $(VENV)/.test
	$(BIN)/analyst model pull
	$(BIN)/python benchmarks/client_latency.py
	$(BIN)/python benchmarks/overhead.py
	$(BIN)/python benchmarks/sandbox.py
	$(BIN)/python benchmarks/handoff.py
	$(BIN)/python benchmarks/soak.py

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
		|| { echo "Python 3.11 to 3.13 is needed; name one with: make PYTHON=python3.12 …"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	touch $@

$(VENV)/.demo: $(VENV)/.made pyproject.toml constraints.txt
	$(PIP) --editable .
	touch $@

$(VENV)/.test: $(VENV)/.made pyproject.toml constraints.txt
	$(PIP) --editable '.[test,lint]'
	touch $@ $(VENV)/.demo

clean:
	rm -rf $(VENV) demo-output build dist

# Two commands do it all: `make demo` and `make test`. Each makes the environment it needs.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PANEL := $(abspath $(VENV))/share/jupyter/labextensions/jupyter-analyst
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt

# The panel is built by Node, and runs without it; where Node is not there, its targets say so.
PANEL_SOURCES := $(shell find extension/src extension/style extension/schema extension/package.json -type f)
WITH_NODE = command -v node >/dev/null \
	|| { echo "Node.js is not there: $@ is left out."; exit 0; }; \
	cd extension && export PATH="$(abspath $(BIN)):$$PATH"

.PHONY: demo test lint unit panel panel-lint panel-test packages benchmarks clean

demo: $(VENV)/.demo
	$(BIN)/analyst model pull
	$(BIN)/python notebooks/demo.py

test: lint unit

lint: $(VENV)/.test panel-lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

unit: $(VENV)/.test packages panel panel-test
	$(BIN)/analyst model pull
	$(BIN)/python -m pytest

# Builds the panel, and puts it where this environment's JupyterLab looks.
panel: $(VENV)/.panel

panel-lint: extension/node_modules/.made
	@$(WITH_NODE) && jlpm lint:check

panel-test: extension/node_modules/.made
	@$(WITH_NODE) && jlpm test

$(VENV)/.panel: $(VENV)/.test extension/node_modules/.made $(PANEL_SOURCES)
	@$(WITH_NODE) && jlpm build:prod \
		&& rm -rf $(PANEL) && mkdir -p $(PANEL) && cp -R labextension/. install.json $(PANEL)
	@touch $@

extension/node_modules/.made: $(VENV)/.test extension/package.json extension/yarn.lock
	@$(WITH_NODE) && jlpm install --immutable && touch node_modules/.made

packages:
	@{ command -v chromium || command -v chromium-browser; } >/dev/null \
		&& { command -v pg_ctl || ls /usr/lib/postgresql/*/bin/pg_ctl; } >/dev/null 2>&1 \
		&& { command -v mariadbd || ls /usr/sbin/mariadbd; } >/dev/null 2>&1 \
		&& { command -v nginx || ls /usr/sbin/nginx; } >/dev/null 2>&1 \
		&& { command -v firefox-esr || command -v firefox; } >/dev/null \
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
	@command -v node >/dev/null || echo "Node.js is not there: the panel is not built; all else is."
	touch $@

$(VENV)/.test: $(VENV)/.made pyproject.toml constraints.txt
	$(PIP) --editable '.[test,lint]'
	touch $@ $(VENV)/.demo

clean:
	rm -rf $(VENV) demo-output build dist

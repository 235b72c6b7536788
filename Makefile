# Kept to what GNU make 3.81 reads, the make of macOS.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help install test check format generate demo bench long pythons lock clean

VENV ?= .venv
BIN := $(VENV)/bin
PYTHON ?=
WORKERS ?= $(shell n=$$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2); [ "$$n" -ge 2 ] || n=2; echo "$$n")
UV := uv==0.13.9

export PIP_DISABLE_PIP_VERSION_CHECK := 1

# $(call step,label,command): one line when it passes, the command's whole output when it does not.
step = @printf '%-10s' '$(1)'; if out=$$({ $(2); } 2>&1); then echo ok; else printf 'FAILED\n%s\n' "$$out"; exit 1; fi

help: ## List the targets (what plain `make` does)
	@echo 'make TARGET'
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/\1|\2/p' Makefile | while IFS='|' read -r target text; do printf '  %-10s%s\n' "$$target" "$$text"; done
	@echo
	@echo 'PYTHON=python3.12  interpreter for a new .venv (3.11 to 3.13; by default the first one found)'
	@echo 'WORKERS=4          test processes at a time (by default one per processor, at least 2)'
	@echo 'QUICK=1            with bench: small sizes and few rounds, to see that it works'
	@echo 'ROWS=emit,kill     with bench: these rows only'
	@echo 'README=1           with bench: put the table into README.md'
	@echo 'BENCH_IDLE_S=600   with bench: seconds for which the idle daemon is watched (by default 60)'
	@echo 'UPGRADE=1          with lock: take the newest versions the ranges allow'

install: $(VENV)/.project ## Make .venv from requirements.lock and install the project into it; does nothing when fresh

test: check ## The whole gate: everything in check, then the tests with warnings as errors
	@$(BIN)/python -m pytest --quiet --numprocesses $(WORKERS) --dist worksteal

check: install ## Formatting, lint, strict types, import rules, generated code up to date
	$(call step,format,$(BIN)/ruff format --check || { echo 'To mend it: make format'; false; })
	$(call step,lint,$(BIN)/ruff check)
	$(call step,types,$(BIN)/python -m mypy)
	$(call step,imports,$(BIN)/lint-imports --no-logo)
	$(call step,drift,$(BIN)/python -m clientgen --check)

format: install ## Format the code and apply the linter's safe fixes
	@$(BIN)/ruff check --quiet --fix-only
	@$(BIN)/ruff format

generate: install ## Write the client's namespaces anew from the service contracts
	@$(BIN)/python -m clientgen

demo: install ## Watch events survive an outage and a killed daemon, with real processes
	@$(BIN)/swarm-analyticsd demo

bench: install ## Measure ours beside what one would pick instead, and print the table; installs the peers, takes minutes
	@$(BIN)/python -m tests.benchmarks $(if $(QUICK),--quick) $(if $(ROWS),--rows $(ROWS)) $(if $(README),--readme)

long: install ## The comparisons that the gate leaves out: they install other packages and take minutes
	@$(BIN)/python -m pytest --quiet -m long

pythons: ## The gate on each Python that is found, in an environment of its own; names those that are absent
	@for version in 3.11 3.12 3.13; do \
	  if python$$version -c 'import ensurepip, venv' >/dev/null 2>&1; then \
	    echo "Python $$version"; $(MAKE) --no-print-directory test PYTHON=python$$version VENV=.venv-$$version || exit 1; \
	  else echo "Python $$version: absent, not tested"; fi; \
	done

lock: ## Rewrite requirements.lock from pyproject.toml (needs the network)
	@$(find_python); \
	tools=$$(mktemp -d); trap 'rm -rf "$$tools"' EXIT; \
	"$$python" -m venv "$$tools/venv"; \
	"$$tools/venv/bin/python" -m pip install --quiet '$(UV)'; \
	for name in $$(env | sed -n 's/^\(UV_[A-Z_]*\)=.*/\1/p'); do unset "$$name"; done; unset PIP_FIND_LINKS; \
	"$$tools/venv/bin/uv" pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes \
	  --no-config --no-emit-index-url --no-header --no-annotate --quiet $(if $(UPGRADE),--upgrade) \
	  --output-file requirements.lock; \
	if grep -n -e '/' -e '^-' requirements.lock; then \
	  echo 'make lock: the lines above name a host, a path or an option; requirements.lock must name none.' >&2; exit 1; \
	fi

clean: ## Remove .venv, build results and caches
	@rm -rf .venv .venv-3.* build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	@find shared_models client daemon tests packaging -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

# Sets $python or ends with the remedy. An interpreter named by PYTHON is the only candidate.
define find_python
set -eu; python=; \
for candidate in $(if $(PYTHON),'$(PYTHON)',python3 python3.13 python3.12 python3.11); do \
  if "$$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1; then \
    python=$$candidate; break; \
  fi; \
done; \
if [ -z "$$python" ]; then \
  found=$$($(if $(PYTHON),'$(PYTHON)',python3) --version 2>&1) || found='not found'; \
  { echo "make: needs Python 3.11, 3.12 or 3.13; $(if $(PYTHON),$(PYTHON),python3): $$found."; \
    echo 'Install one of them, or name the one to use: make install PYTHON=/path/to/python3.12'; } >&2; exit 1; \
fi; \
if ! "$$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then \
  { echo "make: $$python lacks the venv module."; \
    echo 'Install it (Debian, Ubuntu: apt install python3-venv), or name another interpreter: make install PYTHON=/path/to/python3.12'; } >&2; exit 1; \
fi
endef

# Rebuilt from nothing when the lock changes, so that no package outlives its line in the lock. Wheels only: building a
# source distribution would fetch build tools that no hash pins.
$(VENV)/.locked: requirements.lock
	@$(find_python); \
	echo "Installing the locked packages into $(VENV) with $$("$$python" --version); this takes a minute, once."; \
	"$$python" -m venv --clear $(VENV); \
	$(BIN)/python -m pip install --quiet --require-hashes --only-binary :all: -r requirements.lock; \
	touch $@

$(VENV)/.project: $(VENV)/.locked pyproject.toml
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

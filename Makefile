# The commands of this repository; `make` alone lists them. GNU make and a POSIX shell are all they need.
#
# Each Python version has a virtual environment of its own (.venv/3.13 and so on). It is made once, and
# installed again only when a requirements file changed: the stamp files in it remember.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help demo serve test test-unit test-browser screenshots lint format house openapi connector soak fuzz fuzz-api
.PHONY: package sbom licenses audit bench rehearse lock clean FORCE

# What the caller's shell may hold that would change which code runs, or where pip installs.
unexport PYTHONPATH PYTHONHOME PYTHONSAFEPATH PYTHONOPTIMIZE PIP_TARGET PIP_PREFIX
# Each of the many processes of a test run would compile every module again.
unexport PYTHONDONTWRITEBYTECODE
export PIP_USER := 0

PYTHON ?=
ARGS ?=
SECONDS ?= 60
PROFILE ?= random
SEED ?=
# Ours, whatever the shell holds under these names.
VENV :=
COVERAGE :=
HOST :=
CLIENT :=
RESOURCE :=
TENANT :=

ifneq ($(filter-out help clean,$(MAKECMDGOALS)),)
FOUND := $(shell sh scripts/find-python '$(PYTHON)')
ifeq ($(FOUND),)
$(error No usable Python)
endif
VERSION := $(firstword $(FOUND))
INTERPRETER := $(wordlist 2,$(words $(FOUND)),$(FOUND))
VENV := .venv/$(VERSION)
VENV_PYTHON := $(VENV)/bin/python
# Made again when it was made from another interpreter, or from one that is gone.
ifneq ($(shell cat $(VENV)/made-from 2>/dev/null),$(INTERPRETER))
$(VENV)/made-from: FORCE
endif
$(info Using Python $(VERSION): $(INTERPRETER))
endif

help: ## list the commands
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' Makefile | while IFS='|' read -r name text; do \
		printf '  make %-12s %s\n' "$$name" "$$text"; \
	done
	@echo
	@echo '  PYTHON=python3.12   use that Python; else the best one here, from 3.13 down to 3.11'
	@echo '  ARGS="-k health"    more arguments for pytest (make test; the coverage gate is then off) or uv (make lock)'

demo: $(VENV)/installed-sandbox ## show an update from end to end, a dry run, a challenge, a refusal and an outage; 30 s
	@$(VENV_PYTHON) -m sandbox.demo

serve: $(VENV)/installed-sandbox ## run the function beside local stand-ins, with a curl line to paste
	@$(VENV_PYTHON) -m sandbox.serve

# Production runs 3.13 and later; the fallback below it (docs/adr/0001-programming-model.md) is not measured.
ifeq ($(ARGS)$(filter 3.11 3.12,$(VERSION)),)
COVERAGE := --cov=update_profile --cov-branch --cov-report=term-missing:skip-covered --cov-fail-under=100
endif

# pytest-xdist: one process for each core, four at most; a free process takes over tests from a busy one.
PARALLEL := --numprocesses=auto --maxprocesses=4 --dist=worksteal

# These tests wait for timers, servers and other processes, so they run in more processes than two cores would take.
UNIT := --numprocesses=3 --dist=worksteal
OTHERS := --numprocesses=4 --dist=worksteal

# The tests that make up their input; tests/unit/conftest.py has the profiles.
FUZZED := tests/unit/test_properties.py tests/unit/test_readers_of_foreign_bytes.py

test: test-unit ## run every test: the unit tests, then all others; about two minutes on two cores
	@$(VENV_PYTHON) -m pytest $(OTHERS) tests/end_to_end tests/sandbox tests/repository $(ARGS)

test-unit: $(VENV)/installed-dev ## run the unit tests; on 3.13 and later with 100 % line and branch coverage
	@$(VENV_PYTHON) -m pytest $(UNIT) $(COVERAGE) tests/unit $(ARGS)

test-browser: $(VENV)/installed-dev ## test the approval page in Chromium (Debian's package chromium, or CHROMIUM=path)
	@$(VENV_PYTHON) -m pytest $(PARALLEL) tests/browser $(ARGS)

screenshots: $(VENV)/installed-dev ## take the documents' pictures of the approval page; needs a Chromium
	@$(VENV_PYTHON) -m scripts.screenshots

house: $(VENV)/installed-sandbox ## draw the package from its imports, and count the frames from trigger to socket
	@$(VENV_PYTHON) -m scripts.house

openapi: $(VENV)/installed-sandbox ## write update_profile/openapi.json again: models, errors, routes and real exchanges
	@$(VENV_PYTHON) -m scripts.openapi

connector: $(VENV)/installed-sandbox ## write the Power Platform connector; HOST= CLIENT= RESOURCE= TENANT= write yours to dist/
	@$(VENV_PYTHON) -m scripts.connector $(if $(HOST),--output dist/connector --host '$(HOST)') \
		$(if $(CLIENT),--client '$(CLIENT)') $(if $(RESOURCE),--resource '$(RESOURCE)') $(if $(TENANT),--tenant '$(TENANT)')

lint: $(VENV)/installed-dev ## check rules and format (ruff), types (mypy --strict) and workflows (zizmor)
	@$(VENV_PYTHON) -m ruff check .
	@$(VENV_PYTHON) -m ruff format --check .
	@$(VENV_PYTHON) -m mypy
	@$(VENV_PYTHON) -m check_jsonschema -q --builtin-schema vendor.github-workflows .github/workflows/*.yml
	@$(VENV)/bin/zizmor --offline --quiet .github/workflows

format: $(VENV)/installed-dev ## fix what ruff can fix
	@$(VENV_PYTHON) -m ruff check --fix .
	@$(VENV_PYTHON) -m ruff format .

soak: $(VENV)/installed-dev ## crowds, then SECONDS=60 of random faults; fails if anything grows or is untrue
	@$(VENV_PYTHON) -m pytest -q -m soak tests $(ARGS)
	@$(VENV_PYTHON) -m benchmarks.soak --seconds $(SECONDS)

fuzz: $(VENV)/installed-dev ## random input for every reader; PROFILE=fixed gives the same input each time
	@$(VENV_PYTHON) -m pytest $(PARALLEL) -q --hypothesis-profile=$(PROFILE) $(FUZZED) $(ARGS)

fuzz-api: $(VENV)/installed-dev ## requests that schemathesis generates from the served description; SECONDS=60, SEED=1
	@$(VENV_PYTHON) -m benchmarks.api_fuzz --seconds $(SECONDS) $(if $(SEED),--seed $(SEED))

bench: $(VENV)-bench/installed benchmarks/peers/node/node_modules ## measure beside relays and peers; ARGS="--quick" is short (3.13)
	@$(VENV)-bench/bin/python -m benchmarks.run $(ARGS)

package: $(VENV)/installed-sandbox ## build the deployable zip in dist/, the same bytes each time, and prove it (3.13)
	@$(VENV_PYTHON) -m scripts.package

sbom: $(VENV)/installed-supply ## write the package's bill of materials, dist/update-profile.cdx.json (CycloneDX)
	@mkdir -p dist
	@$(VENV)/bin/cyclonedx-py requirements requirements.lock --pyproject pyproject.toml \
		--output-reproducible --validate --output-format JSON --output-file dist/update-profile.cdx.json
	@echo 'dist/update-profile.cdx.json lists what requirements.lock pins.'

licenses: $(VENV)/installed-supply ## check that each deployed package has a licence that pyproject.toml allows (3.13)
	@set -e; pinned=$$(sed -n 's/^\([A-Za-z0-9._-]*\)==.*/\1/p' requirements.lock); \
	table=$$($(VENV)/bin/pip-licenses --packages $$pinned); echo "$$table"; \
	[ "$$(echo "$$table" | tail -n +2 | wc -l)" -eq "$$(echo "$$pinned" | wc -l)" ] || { \
		echo 'error: a package of requirements.lock is not installed, so its licence was not looked at.' >&2; exit 1; }

audit: $(VENV)/installed-supply ## ask the package index for known vulnerabilities of what is deployed
	@$(VENV)/bin/pip-audit --strict --disable-pip --require-hashes --requirement requirements.lock

rehearse: $(VENV)/installed-dev ## show a deployment's life against stand-ins for Azure CLI, azd and GitHub
	@$(VENV_PYTHON) tests/deployment_rehearsal.py

# uv does not read pip's settings: where pip has an index of its own, uv is told of it.
lock: $(VENV)/installed-supply ## write the *.lock files again, after a change of a requirements file
	@index="$${UV_DEFAULT_INDEX:-$${PIP_INDEX_URL:-$$($(VENV_PYTHON) -m pip config get global.index-url 2>/dev/null)}}"; \
	[ -z "$$index" ] || export UV_DEFAULT_INDEX="$$index"; \
	compile="$(VENV)/bin/uv pip compile --quiet --no-config --generate-hashes --no-annotate --no-emit-index-url"; \
	everywhere='--universal --python-version 3.11'; production='--python-version 3.13 --python-platform x86_64-manylinux_2_28'; \
	set -e; \
	$$compile $$production --custom-compile-command 'make lock' $(ARGS) requirements.txt --output-file requirements.lock; \
	for name in sandbox dev bench; do \
		$$compile $$everywhere --custom-compile-command 'make lock' $(ARGS) \
			requirements-$$name.txt --output-file requirements-$$name.lock; \
	done; \
	$$compile $$everywhere --custom-compile-command 'make lock' $(ARGS) --constraints requirements-dev.lock \
		requirements-supply.txt --output-file requirements-supply.lock

clean: ## remove the virtual environments and every cache
	@rm -rf .venv dist benchmarks/peers/node/node_modules .mypy_cache .pytest_cache .ruff_cache .hypothesis .schemathesis .coverage htmlcov
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

ifdef VENV
$(VENV)/made-from:
	@echo 'Making $(VENV)'
	@"$(INTERPRETER)" -m venv --clear $(VENV) || { \
		echo 'error: Python $(VERSION) could not make the virtual environment $(VENV).' >&2; exit 1; }
	@echo '$(INTERPRETER)' > $@

# $(call install,FILE): pip's own settings (its environment variables, pip.conf) say where packages come from. Each
# must have a hash that the lock file names.
install = echo 'Installing $(1) into $(VENV)'; \
	$(VENV_PYTHON) -m pip install -qq --disable-pip-version-check --retries 2 --require-hashes --requirement $(1) || { \
		echo 'error: $(1) could not be installed. Is a package registry within reach? pip says above what failed.' >&2; \
		exit 1; }

$(VENV)/installed-sandbox: requirements-sandbox.lock $(VENV)/made-from
	@$(call install,requirements-sandbox.lock)
	@touch $@

$(VENV)/installed-dev: requirements-dev.lock $(VENV)/made-from
	@$(call install,requirements-dev.lock)
	@touch $(VENV)/installed-sandbox $@

# The peers' packages stay out of the environment that the tests run in.
$(VENV)-bench/installed: requirements-bench.lock $(VENV)/made-from
	@echo 'Making $(VENV)-bench'
	@"$(INTERPRETER)" -m venv --clear $(VENV)-bench
	@$(subst $(VENV),$(VENV)-bench,$(call install,requirements-bench.lock))
	@touch $@

# Without Node.js, or where its packages cannot be had, benchmarks.run says that it leaves that peer out.
benchmarks/peers/node/node_modules: benchmarks/peers/node/package-lock.json
	@if command -v npm >/dev/null; then \
		cd benchmarks/peers/node && npm ci --ignore-scripts --no-audit --no-fund --silent && touch node_modules || true; \
	fi

$(VENV)/installed-supply: requirements-supply.lock $(VENV)/installed-dev
	@$(call install,requirements-supply.lock)
	@touch $@
endif

# Behoudlijn: every command of the project. `make env` needs Python >= 3.11 with pip; everything else runs from .venv.

.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.stamp
LOCK := requirements/dev.lock
DEMO_STAMP := $(VENV)/.demo
DEMO_LOCK := requirements/demo.lock
# The oldest Python that the project supports; PYTHON=/path/to/python makes another choice.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python3.14; do \
	"$$p" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 \
	&& { echo "$$p"; break; }; done)

.PHONY: help
help: ## List the targets
	@awk 'BEGIN { FS = ":.*## " } /^[a-z][a-z-]*:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: env
env: $(STAMP) ## Set up .venv with all that tests and tools need, from the hashed lock (a no-op when up to date)

# An environment with a Python that is new enough, made anew where there is none or it has gone.
define INTERPRETER
if [ -z "$(PYTHON)" ]; then \
	echo "make: found no Python >= 3.11 with venv and pip."; \
	echo "Install one (on Debian: apt install python3 python3-venv), or say which: make env PYTHON=/path/to/python3"; \
	exit 1; \
fi; \
if ! $(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then \
	echo "make: an environment for $(PYTHON) in $(VENV)"; \
	rm -rf $(VENV) && "$(PYTHON)" -m venv $(VENV); \
fi
endef

# A lock names all that its environment needs, so that nothing is resolved. Ourselves, from this tree:
OURS = pip install --quiet --no-deps --no-build-isolation --editable . --python

$(STAMP): $(LOCK) requirements/uv.lock pyproject.toml setup.py
	@$(INTERPRETER)
	@echo "make env: all that tests and tools need, into $(VENV) (once; 1.3 GB)"
	@requirements/install "$(CURDIR)/$(BIN)/python" $(LOCK)
	@$(BIN)/uv $(OURS) $(BIN)/python
	@touch $@ $(DEMO_STAMP)

# A part of the above, in the same place: without the tools, and without what the engine needs for data frames only.
$(DEMO_STAMP): $(DEMO_LOCK) requirements/uv.lock pyproject.toml setup.py
	@$(INTERPRETER)
	@echo "make: what the demo needs, into $(VENV) (once; 0.7 GB)"
	@requirements/install "$(CURDIR)/$(BIN)/python" $(DEMO_LOCK)
	@$(BIN)/uv $(OURS) $(BIN)/python
	@touch $@

.PHONY: demo
demo: $(DEMO_STAMP) ## A simulated quarter of a telecom through the whole pipeline, then its report (under two minutes)
	$(BIN)/behoudlijn demo

.PHONY: up
up: $(DEMO_STAMP) ## The same stack, staying up until Ctrl-C
	$(BIN)/behoudlijn up

# Of pytest, on two cores; each has brokers of its own, and most tests wait more than they compute.
PROCESSES ?= 3

.PHONY: test
test: env ## All tests; integration tests on real Kafka where Java 17 and Maven are at hand. ARGS="-k merge" narrows
	$(BIN)/pytest --numprocesses $(PROCESSES) --dist worksteal $(ARGS)

LTS_VENV := .venv-lts
LTS_LOCK := requirements/engine-lts.lock
LTS_STAMP := $(LTS_VENV)/.stamp
# Those that the sink's SQL is tried on beside the pinned one, which is in `make test`. How errors and outages are met is no matter of SQL.
ENGINES ?= lts pinned-by-partition lts-by-partition

$(LTS_STAMP): $(LTS_LOCK) | env
	@if ! $(LTS_VENV)/bin/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then \
		rm -rf $(LTS_VENV) && $(BIN)/python -m venv $(LTS_VENV); \
	fi
	@requirements/install "$(CURDIR)/$(LTS_VENV)/bin/python" $(LTS_LOCK)
	@touch $@

.PHONY: test-engines
test-engines: env $(LTS_STAMP) ## The sink's SQL on engine 25.8, and on both engines with FINAL by partition (six minutes). ENGINES=lts narrows
	@for engine in $(ENGINES); do \
		$(BIN)/pytest --numprocesses $(PROCESSES) --dist worksteal tests/integration/clickhouse_sink --engine $$engine \
			--ignore-glob '*/test_errors.py' --ignore-glob '*/test_outage.py' --ignore-glob '*/test_tls.py' $(ARGS) || failed=1; \
	done; exit $${failed:-0}

COVERED := tests/unit/core tests/golden tests/unit/test_dead_letter_limit.py tests/unit/test_merge.py tests/unit/test_computing_time.py \
	tests/property/test_merge_properties.py tests/property/core/test_rebuilding_properties.py

.PHONY: coverage
coverage: env ## Branch coverage of streams.core by its own tests and the golden histories of real data; fails below 95%
	$(BIN)/pytest --numprocesses $(PROCESSES) --dist worksteal --quiet -k "not simulated" $(COVERED) \
		--cov=streams.core --cov-branch --cov-report=term-missing:skip-covered --cov-fail-under=95 $(ARGS)

# The runtime lock in each; uv looks on the machine, then downloads. What cannot be had is skipped, and told.
PYTHONS ?= 3.11 3.12 3.13

.PHONY: golden-pythons
golden-pythons: env ## The golden bytes on each of PYTHONS="3.11 3.12 3.13" that uv can bring (three minutes each)
	$(BIN)/python -m tests.golden.pythons $(PYTHONS)

.PHONY: full
full: env ## All that takes longer than .ci/run: golden-pythons, chaos, backpressure, bench; with OLD=revision bench-against (hours)
	@OLD=$(OLD) .ci/full

.PHONY: chaos
chaos: env ## 1,000,000 events on three Kafka nodes under every class of fault, compared with the oracle. SEED=7 repeats
	$(BIN)/python -m tests.chaos long $(if $(SEED),--seed $(SEED))

.PHONY: chaos-short
chaos-short: env ## The same with 150,000 events (under eight minutes)
	$(BIN)/python -m tests.chaos short $(if $(SEED),--seed $(SEED))

.PHONY: chaos-desks
chaos-desks: env ## Two desks of the release stage under kills, freezes and a broker that dies, compared with the oracle. SECONDS_FED=60 SEED=7
	$(BIN)/python -m tests.chaos.desks $(if $(SECONDS_FED),--seconds $(SECONDS_FED)) $(if $(SEED),--seed $(SEED))

.PHONY: backpressure
backpressure: env ## A flood that a throttled worker cannot follow: memory bounded, no partition starved. DURATION=10
	$(BIN)/python -m tests.chaos.backpressure $(if $(DURATION),--seconds $(DURATION))

.PHONY: soak
soak: env ## Five bad days on real Kafka, and what others notice (ten minutes). SCENARIO=hot|herd|storm|outage|rolling; KEEP=1 for the pages
	$(BIN)/python -m tests.soak $(SCENARIO) $(if $(KEEP),--keep)

.PHONY: soak-compiled
soak-compiled: compiled ## The same with the compiled core, as wheels and image ship it
	cd $(COMPILED) && $(CURDIR)/$(BIN)/python -m tests.soak $(SCENARIO)

.PHONY: soak-short
soak-short: env ## The same, each for three seconds: nothing lost or doubled, latencies only told (three minutes)
	$(BIN)/python -m tests.soak $(SCENARIO) --seconds 3

COMPILED := build/compiled
WHEEL = $(CURDIR)/$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir $(CURDIR)/dist .

# From a copy of what git sees, so that neither this tree nor an earlier build leaks into a wheel.
.PHONY: wheels
wheels: env ## Both wheels to dist/: plain Python for any platform, and the core compiled for this one (needs a C compiler)
	@rm -rf $(COMPILED) dist/behoudlijn-*.whl && mkdir -p $(COMPILED) .cache
	@git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents --target-directory=$(COMPILED)
	@ln -s $(CURDIR)/.cache $(COMPILED)/.cache
	@cd $(COMPILED) && $(WHEEL)
	@echo "compiling streams/core and what else runs for every record, with mypyc (about half a minute)"
	@cd $(COMPILED) && BEHOUDLIJN_COMPILED=1 $(WHEEL)
	@ls -1 dist/behoudlijn-*.whl

.PHONY: compiled
compiled: wheels ## A copy of the project in build/compiled whose core is compiled: what the platform's wheel was made of
	@cd $(COMPILED)/build/lib.* && find . -name '*.so' -print0 | xargs -0 cp --parents --target-directory=$(CURDIR)/$(COMPILED)
	@cd $(COMPILED) && $(CURDIR)/$(BIN)/python -m streams info --require-compiled >/dev/null

.PHONY: test-compiled
test-compiled: compiled ## The tests of the core, the golden bytes, and the real data through all of it, with the compiled core
	cd $(COMPILED) && $(CURDIR)/$(BIN)/pytest --numprocesses $(PROCESSES) --dist worksteal \
		tests/unit/core tests/property/core/test_engine_properties.py tests/property/core/test_outlook_properties.py \
		tests/property/core/test_correction_properties.py \
		tests/property/core/test_published_properties.py tests/unit/test_instants.py tests/unit/test_sinks_rows.py tests/unit/test_gathered.py \
		tests/unit/test_changelog.py tests/unit/test_home.py tests/unit/test_store.py \
		tests/unit/test_merge.py tests/unit/test_lane.py tests/property/test_merge_properties.py \
		tests/unit/test_commands_info.py tests/integration/test_real_data.py tests/golden -k "not simulated" $(ARGS)

.PHONY: test-wheels
test-wheels: wheels ## Each wheel installed by itself: which core it says that it has, and the same bytes from a backtest
	$(BIN)/python tests/wheels.py dist

BENCH_VENV := .venv-bench
BENCH_LOCK := requirements/bench.lock
BENCH_STAMP := $(BENCH_VENV)/.stamp
BENCH = BEHOUDLIJN_SOURCE=$(CURDIR) $(CURDIR)/$(BENCH_VENV)/bin/python -m tests.benchmarks

$(BENCH_STAMP): $(BENCH_LOCK) pyproject.toml | env
	@if ! $(BENCH_VENV)/bin/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then \
		rm -rf $(BENCH_VENV) && $(BIN)/python -m venv $(BENCH_VENV); \
	fi
	@requirements/install "$(CURDIR)/$(BENCH_VENV)/bin/python" $(BENCH_LOCK)
	@$(BENCH_VENV)/bin/uv $(OURS) $(BENCH_VENV)/bin/python
	@touch $@

.PHONY: bench
bench: compiled $(BENCH_STAMP) ## Benchmark beside its parts and peers, on real Kafka (45 to 60 minutes; a quiet machine). ARGS="--only latency" narrows
	cd $(COMPILED) && $(BENCH) --size full $(ARGS)

.PHONY: bench-short
bench-short: compiled $(BENCH_STAMP) ## The same table at a tenth of the size (six to eight minutes, by the machine)
	cd $(COMPILED) && $(BENCH) --size short $(ARGS)

.PHONY: bench-against
bench-against: env ## The worker of OLD=revision and of this tree in ten alternating rounds (a quiet machine). ARGS="--compiled" or "--rounds 2"
	@test -n "$(OLD)" || { echo "make bench-against: say against what: OLD=revision"; exit 1; }
	$(BIN)/python -m tests.benchmarks.against $(OLD) $(ARGS)

.PHONY: bench-pages
bench-pages: env ## Put the newest results into the pages (or RESULTS=tests/benchmarks/results/….json)
	$(BIN)/python -m tests.benchmarks.pages $(RESULTS)

.PHONY: lint
lint: env ## Style and format (ruff)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

.PHONY: format
format: env ## Put the code into its format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: types
types: env ## Types (mypy --strict)
	$(BIN)/mypy

.PHONY: contracts
contracts: env ## Dependencies point one way (import-linter)
	$(BIN)/lint-imports

.PHONY: rules
rules: env ## Prometheus rules and their unit tests (promtool, of the Debian package prometheus)
	@command -v promtool >/dev/null || { echo "make rules: no promtool; install the package prometheus"; exit 1; }
	@for file in deploy/prometheus/*.rules.yml; do [ ! -e "$$file" ] || promtool check rules "$$file"; done
	@for file in deploy/prometheus/tests/*.yml; do [ ! -e "$$file" ] || promtool test rules "$$file"; done

.PHONY: generated
generated: env ## Write what is made from code: pages of docs/, the dashboard
	$(BIN)/python -m deploy.generated

.PHONY: audit
audit: env ## Known vulnerabilities of what runs (pip-audit); says so when advisories cannot be fetched
	$(BIN)/python tests/advisories.py requirements/runtime.lock

.PHONY: sbom
sbom: env ## Software bill of materials, CycloneDX, to build/sbom.json
	@mkdir -p build
	$(BIN)/python -W ignore -m cyclonedx_py requirements requirements/runtime.lock --pyproject pyproject.toml \
		--mc-type application --output-reproducible --of JSON --output-file build/sbom.json
	@$(BIN)/python -c 'import json; print("build/sbom.json:", len(json.load(open("build/sbom.json"))["components"]), "packages")'

RESOLVE = $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --no-annotate \
	--python-version 3.11 pyproject.toml

# What chdb brings along for data frames, of which the embedded server makes none.
FRAMES := numpy pandas pyarrow

.PHONY: lock
lock: env ## Write the lock files anew from pyproject.toml (needs the package index)
	$(RESOLVE) --output-file requirements/runtime.lock
	$(RESOLVE) --extra dev --output-file $(LOCK)
	$(subst pyproject.toml,requirements/uv.in,$(RESOLVE)) --constraint $(LOCK) --output-file requirements/uv.lock
	$(RESOLVE) --extra demo --constraint $(LOCK) $(addprefix --no-emit-package ,$(FRAMES)) --output-file $(DEMO_LOCK)
	$(RESOLVE) --extra build --constraint $(LOCK) --output-file requirements/build.lock
	$(RESOLVE) --extra bench --output-file $(BENCH_LOCK)
	$(subst pyproject.toml,requirements/engine-lts.in,$(RESOLVE)) --constraint requirements/runtime.lock --output-file $(LTS_LOCK)

.PHONY: clean
clean: ## Remove .venv and everything that a run leaves behind
	rm -rf $(VENV) $(BENCH_VENV) $(LTS_VENV) .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

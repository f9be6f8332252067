# `make run` shows it, `make test` proves it; each brings what it needs (requirements/setup.sh).
# `make help` lists the rest.

SHELL := /bin/bash
unexport PYTHONDONTWRITEBYTECODE # or every process that a test starts would compile the program again
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

BIN := .venv/bin
# For each core, up to four, a worker that calculates, and four that wait for processes (tests/schedule.py). A file
# stays on one of them, so that what it starts is started once.
PYTEST := $(BIN)/python -m pytest -v -rfEs -o faulthandler_timeout=300
WORKERS ?= $(shell cores=$$(getconf _NPROCESSORS_ONLN); echo $$((4 + (cores < 4 ? cores : 4))))
PARALLEL = -n $(WORKERS) --dist loadfile --no-loadscope-reorder
DAILY := not bench and not windows and not deploy and not dist and not reproduce and not weights
SUITE := tests -m "$(DAILY)"
# Stand-ins and houses that drift from the ports they stand for would prove nothing.
TYPED_TESTS := tests/doubles.py tests/postgres_server.py tests/fakes tests/faults tests/contract tests/unit/pipeline \
	tests/unit/store tests/unit/transactions tests/unit/captcha/conftest.py tests/unit/test_system.py \
	tests/unit/test_vault.py
SEED ?= 1
SCALE ?= full

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1|\2/' | \
		while IFS='|' read -r name text; do printf '  make %-15s %s\n' "$$name" "$$text"; done

# ---- to see it

.PHONY: run setup
run: EXTRAS += sandbox
run: setup ## the demo: a local Google, the backend, mail arriving; ends with Ctrl-C
	@$(BIN)/pitchgate demo

setup: ## .venv with what the program needs; extras too: make setup EXTRAS="postgres tray"
	@bash requirements/setup.sh run $(EXTRAS)

# ---- to work on it

.PHONY: setup-dev gates lint format-check types pictures imports format fix
setup-dev: ## .venv with what tests, gates and training need
	@bash requirements/setup.sh dev

GATES := types lint format-check imports
gates: setup-dev ## lint, format, types, import directions: all of them, whatever fails
	@$(MAKE) -k -j2 -O $(GATES)

lint: setup-dev ## ruff's rules
	@$(BIN)/ruff check --quiet . && echo "ruff: clean"

format-check: setup-dev
	@$(BIN)/ruff format --check --quiet --output-format concise . && echo "format: clean" || \
		{ echo "format: run 'make fix'"; false; }

pictures: setup-dev ## the pictures of README.md, the tutorial and the second model, taken of the real pages
	@$(BIN)/python -m tests.browser.pictures
	PITCHGATE_SHOTS=docs/tutorial $(BIN)/pytest -q tests/browser/test_home.py -k empty
	PITCHGATE_SHOTS=docs/how-to $(BIN)/pytest -q tests/browser/test_trial_story.py

types: setup-dev ## mypy, strict: the packages, and what tests share
	@$(BIN)/mypy
	@$(BIN)/mypy --explicit-package-bases $(TYPED_TESTS)

imports: setup-dev ## import directions (import-linter)
	@$(BIN)/lint-imports --verbose >.venv/imports.log 2>&1 && grep '^Contracts:' .venv/imports.log || \
		{ cat .venv/imports.log; false; }

format: setup-dev ## put every file in ruff's format
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix --quiet .

fix: format reference ## renew what follows from the code and needs no browser: format, pages of docs/reference

.PHONY: test test-unit test-browser test-desktop test-windows test-deploy
test: setup-dev ## everything: gates, then unit, contract, journeys, browser and desktop tests
	@$(MAKE) -k -j2 types machine collected lint format-check imports suite

# The types take longest of the gates: beside them what else tests need is installed (apt-get has a lock, so one after
# the other), the tests are compiled once, which each worker would otherwise do, and begin.
.PHONY: machine collected suite
suite: machine collected
	@$(PYTEST) $(PARALLEL) $(SUITE)

machine: setup-dev
	@bash requirements/setup.sh tests

collected: setup-dev
	@$(BIN)/python -m pytest -qq --collect-only $(SUITE) >.venv/collected.log 2>&1 || { cat .venv/collected.log; false; }

test-unit test-browser coverage: WORKERS = 2

test-unit: setup-dev ## the quick ones only: no processes, no browser
	@$(PYTEST) $(PARALLEL) tests/unit tests/architecture -m "$(DAILY)"

test-browser: setup-dev ## the browser tests only
	@bash requirements/setup.sh browser
	@$(PYTEST) $(PARALLEL) tests -m browser

test-desktop: setup-dev ## the tray app under a virtual screen
	@bash requirements/setup.sh desktop
	@$(PYTEST) $(PARALLEL) tests/desktop tests/journeys/test_api_contract.py

test-windows: setup-dev ## the tray app as a Windows program, on Wine (not part of test)
	@bash requirements/setup.sh windows
	@$(PYTEST) tests/windows

test-deploy: setup-dev ## an image, Compose, and docs/how-to/deploy.md played through on a fresh Debian; as root (not part of test)
	@bash requirements/setup.sh deploy
	@$(PYTEST) -s tests/deploy tests/unit/cloud

.PHONY: test-dist
test-dist: dist-linux dist-windows ## what was made: each installed on a computer that has nothing of it, played, removed; as root (not part of test)
	@bash requirements/setup.sh test-dist
	@$(PYTEST) -s -o faulthandler_timeout=1200 tests/artefacts

.PHONY: coverage
BASE ?= main
TESTS ?= tests/unit tests/web tests/contract
coverage: setup-dev ## lines that changed since BASE and that no test ran: make coverage BASE=main TESTS=tests/web
	@$(BIN)/coverage erase
	@$(BIN)/coverage run -m pytest -q $(PARALLEL) $(TESTS) -m "$(DAILY) and not linked"
	@$(BIN)/coverage combine --quiet && $(BIN)/coverage xml --quiet
	@$(BIN)/diff-cover .venv/coverage.xml --compare-branch $(BASE) --show-uncovered

# ---- to measure and to break it; each prints one JSON object as its last line

.PHONY: bench bench-model bench-addon bench-review faults
bench: ## the whole path against the article's design, into docs/performance.md: make bench BENCH="--quick"
	@bash requirements/setup.sh bench
	@$(BIN)/python -m tests.bench.speed --write $(BENCH)

bench-model: setup-dev ## the served model against the pickled pipeline, and what a second reading adds
	@$(BIN)/python -m tests.bench.model

bench-addon: setup-dev ## the add-on's card against the same server's smallest route
	@$(BIN)/python -m tests.bench.addon_card

bench-review: setup-dev ## a page of ten thousand held messages against one of a hundred, the last against the first
	@$(BIN)/python -m tests.bench.review_page

.PHONY: growth fuzz mutants
growth: setup-dev ## each function over a stranger's text against each text made to cost it time or memory
	@$(BIN)/python -m tests.growth

.PHONY: evasion
evasion: setup-dev ## pitches in disguise: how many stay held, a line a trick; ordinary mail in the same clothes
	@$(BIN)/python -m tests.evasion.measure

.PHONY: reproduce
reproduce: setup-dev ## the shipped model trained again to the same bytes, and what is looked at over the whole corpus
	@$(BIN)/pitchgate-model reproduce backend/models/pitchgate.md
	@$(PYTEST) tests/unit/model_export -m reproduce

.PHONY: test-second-reading judge
test-second-reading: setup-dev ## the second reading with its weights, a package of 91 MB (not part of test)
	@bash requirements/setup.sh run second-reading
	@$(PYTEST) -s tests/second_reading

judge: setup-dev ## the second reading's judge learned again for the shipped model, and its card
	@bash requirements/setup.sh run second-reading
	@$(BIN)/pitchgate-model second-reading

mutants: setup-dev ## what the nearest unit tests notice of changed code: make mutants SEED=1 MUTANTS="--count 200 --under backend/domain/policy"
	@$(BIN)/python -m tests.mutants --seed $(SEED) $(MUTANTS)

COUNT ?= 1000000
fuzz: setup-dev ## what strangers can send, spoiled at random: make fuzz COUNT=1000000 SEED=1
	@$(BIN)/python -m tests.fuzz --count $(COUNT) --seed $(SEED)

faults: setup-dev ## every Google fault and random kills: make faults SEED=1 SCALE=small
	@$(BIN)/python -m tests.faults.journey --seed $(SEED) --scale $(SCALE)

.PHONY: bench-work
bench-work: setup-dev ## what the check costs a native solver on one core, per price
	@$(BIN)/python -m tests.bench.proof_of_work

.PHONY: bench-store bench-replicas faults-cluster
bench-store: setup-dev ## both databases with 1 k, 100 k and 1 M messages in them
	@$(BIN)/python -m tests.bench.store

bench-replicas: setup-dev ## one, two and four replicas end to end, mail spaced and in a burst, with 1 k and 100 k messages there
	@$(BIN)/python -m tests.bench.replicas

faults-cluster: setup-dev ## equal replicas and their PostgreSQL killed under load: make faults-cluster SEED=1 SCALE=small
	@$(BIN)/python -m tests.faults.cluster --seed $(SEED) --scale $(SCALE)

# ---- the rest

.PHONY: sbom dist dist-linux dist-windows
sbom: setup-dev ## what is in both distributions, each package once with its licence (CycloneDX), in dist/
	@$(BIN)/python requirements/sbom.py dist

dist: setup-dev ## what is released, in dist/: both distributions, the .deb, what is in them (CycloneDX), and SHA256SUMS
	@bash requirements/setup.sh dist
	@bash requirements/dist.sh

dist-linux: dist ## with it, the desktop app for Linux in one folder with its own Python, in a tar
	@bash requirements/setup.sh dist-linux
	@bash requirements/linux.sh

dist-windows: dist ## with it, the desktop app's installer for Windows, built on Wine
	@bash requirements/setup.sh dist-windows
	@bash requirements/windows-installer.sh

.PHONY: reference docs
reference: setup-dev ## the pages of docs/reference that are written from the code
	@$(BIN)/python -m tests.reference

SITE := build/docs
PAGES := README.md CHANGELOG.md CODE_OF_CONDUCT.md CONTRIBUTING.md SECURITY.md
docs: ## the documents as a site, in build/docs/site; a link that leads nowhere is an error
	@bash requirements/setup.sh docs
	@rm -rf $(SITE) && mkdir -p $(SITE)/source/addon_manifest $(SITE)/source/backend/models
	@cp -r docs $(PAGES) $(SITE)/source && cp LICENSE $(SITE)/source/LICENSE.md && cp docs/site.yml $(SITE)/mkdocs.yml
	@cp addon_manifest/README.md $(SITE)/source/addon_manifest && cp backend/models/*.md $(SITE)/source/backend/models
	@cd $(SITE) && ../../.venv/docs/bin/zensical build --strict --clean

.PHONY: lock clean
lock: ## new hashed locks from pyproject.toml
	@bash requirements/setup.sh lock

clean: ## remove what setup, tests and the demo made
	rm -rf .venv var build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

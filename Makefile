# Everything a person or CI does with the repository. `make help` lists it.
.DEFAULT_GOAL := help
.NOTPARALLEL:
SHELL := bash

PYTHON ?= python3
JOBS ?= 2
TOOLS ?= 10000
RECIPIENTS ?= 100000
VENV := .venv
PY := $(VENV)/bin/python
MANAGE := $(PY) manage.py
NEW_KEY = $$($(PY) -c 'import secrets; print(secrets.token_urlsafe(50))')
# What the lock files were made for; each carries it in its header.
ASKED_FOR = pyproject.toml $$(sed -n '/^requires-python/,/^\[tool/p' pyproject.toml | cksum | cut -d ' ' -f 1)

.PHONY: help
help: ## List the commands
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' Makefile

.PHONY: setup
setup: installed-run secret ## Prepare everything: .venv, a secret key in .env, the database's tables
	@echo "Bringing the database up to date"
	@$(MANAGE) migrate --verbosity 0

.PHONY: run
run: setup ## Serve the site, with demo data at first, on http://127.0.0.1:8000 (PORT=8001)
	@$(MANAGE) import_catalog --if-empty fixtures/demo.json
	@$(MANAGE) collectstatic --noinput --verbosity 0
	@$(MANAGE) worker >/dev/null & worker=$$!; trap 'kill $$worker 2>/dev/null; wait' EXIT; \
	$(PY) -m gunicorn --config shiporskip/gunicorn.conf.py shiporskip.wsgi && \
	$(PY) -m shiporskip.reloading --wait

.PHONY: reload
reload: setup ## Let a running site take new code and settings, without losing a request (PORT=8001)
	@$(MANAGE) collectstatic --noinput --verbosity 0
	@$(PY) -m shiporskip.reloading

.PHONY: worker
worker: setup ## Run one more worker: sign-ups and the digest (make run has one; PORT=8001)
	@exec $(MANAGE) worker

.PHONY: backup
backup: installed-run secret ## Write the database to a file (FILE=backups/….dump)
	@$(MANAGE) backup $(if $(FILE),"$(FILE)")

.PHONY: restore
restore: installed-run secret ## Put a backup in the place of the database (FILE=…, CONFIRM=its name)
	@[ -n "$(FILE)" ] || { echo "Name the backup: make restore FILE=…"; exit 1; }
	@$(MANAGE) restore "$(FILE)" --confirm "$(CONFIRM)"

.PHONY: upgrade-check
upgrade-check: installed-run secret ## Try the new migrations on a copy of the database (FILE=a backup)
	@$(MANAGE) upgrade_check $(if $(FILE),"$(FILE)")

.PHONY: account
account: setup ## Make an account for editors, at /admin/; the first may do everything (PORT=8001)
	@$(MANAGE) make_account

.PHONY: test
test: installed-dev secret ## Run the tests (ARGS="-k vote" some of them, JOBS=0 in one process)
	@$(MANAGE) collectstatic --noinput --verbosity 0
	@$(PY) -m pytest --numprocesses $(JOBS) --dist loadgroup $(ARGS)

.PHONY: check
check: installed-dev secret ## Look for faults without running the site; all steps, even if one fails
	@failed=(); \
	step() { printf '\n%s\n' "$$1"; "$${@:2}" || failed+=("$$1"); }; \
	in_production() { DEBUG=false SITE_URL=https://example.org SECRET_KEY="$(NEW_KEY)" "$$@"; }; \
	locked() { old=$$(grep -LF "$(ASKED_FOR)" requirements/*.txt); \
		[ -z "$$old" ] || { echo "Run make lock, these do not match:" $$old; return 1; }; }; \
	step "Format" $(PY) -m ruff format --check; \
	step "Style and likely bugs" $(PY) -m ruff check; \
	step "Types" $(PY) -m mypy .; \
	step "Imports run one way" $(VENV)/bin/lint-imports --no-logo; \
	step "Migrations match the models" $(MANAGE) makemigrations --check --dry-run; \
	step "Settings fit for production" in_production $(MANAGE) check --deploy --fail-level WARNING; \
	step "Lock files match pyproject.toml" locked; \
	step "Known holes in dependencies" $(PY) -m tests.audit; \
	echo; \
	if [ "$${#failed[@]}" -gt 0 ]; then printf 'Failed: %s\n' "$${failed[@]}"; exit 1; fi; \
	echo "All good"

.PHONY: format
format: installed-dev ## Format the code, and mend what can be mended by a machine
	@$(PY) -m ruff check --fix-only
	@$(PY) -m ruff format

.PHONY: scale
scale: setup ## Add made-up tools, to see the site at size (TOOLS=10000)
	@set -o pipefail; $(MANAGE) fictional_catalog $(TOOLS) | $(MANAGE) import_catalog -

.PHONY: bench
bench: installed-dev secret ## Measure how fast the pages are
	@$(PY) -m tests.benchmarks $(ARGS)

.PHONY: bench-digest
bench-digest: installed-dev secret ## Measure the digest's sender and prove it at size (RECIPIENTS=1000000)
	@$(PY) -m tests.benchmarks.digest --recipients $(RECIPIENTS) $(ARGS)

.PHONY: lock
lock: installed-dev ## Write the lock files from pyproject.toml (UPGRADE=1 to the newest versions)
	@lock() { echo "Locking requirements/$$1.txt"; \
		$(PY) -m uv pip compile pyproject.toml "$${@:2}" --output-file "requirements/$$1.txt" --quiet \
			--universal --python-version 3.11 --generate-hashes --no-annotate $(if $(UPGRADE),--upgrade) \
			--custom-compile-command "make lock, for $(ASKED_FOR)"; }; \
	lock dev --group dev && \
	lock run --group embedded --constraints requirements/dev.txt && \
	lock site --constraints requirements/dev.txt

.PHONY: clean
clean: ## Remove what was made here, except .env and the embedded database
	@rm -rf $(VENV) .static .bench .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# `installed-run` brings .venv to what requirements/run.txt says. A copy of the lock file there, made
# last, tells that it is done. What an interrupted installation left is thrown away. Of two makes at
# once the second waits for the first (a lock on the Makefile, which ends with its holder).
installed-%: requirements/%.txt
	@is_done() { cmp -s $< $(VENV)/$*.txt && [ ! -e $(VENV)/unfinished ] && [ -x $(PY) ]; }; \
	is_done && exit; \
	command -v "$(PYTHON)" >/dev/null || \
		{ echo "There is no $(PYTHON): install Python 3.11 or newer, or name yours: make $(MAKECMDGOALS) PYTHON=…"; exit 1; }; \
	"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "$(PYTHON) is older than Python 3.11: name a newer one: make $(MAKECMDGOALS) PYTHON=python3.13"; exit 1; }; \
	"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "$(PYTHON) cannot make virtual environments: install its venv module (Debian: apt install python3-venv)"; exit 1; }; \
	exec 9<Makefile; "$(PYTHON)" -c 'import fcntl; fcntl.flock(9, fcntl.LOCK_EX)'; \
	is_done && exit; \
	set -e; \
	if [ -e $(VENV)/unfinished ] || ! $(PY) -m pip --version >/dev/null 2>&1; then \
		echo "Making $(VENV)"; "$(PYTHON)" -m venv --clear $(VENV); fi; \
	echo "Installing $< (the first time takes a minute)"; \
	touch $(VENV)/unfinished; \
	$(PY) -m pip install -qq --disable-pip-version-check --no-input --require-hashes --requirement $<; \
	cp $< $(VENV)/$*.txt; \
	rm $(VENV)/unfinished

# Adds a key to .env, which is made if missing and otherwise stays as it is.
.PHONY: secret
secret:
	@grep -qsE '^(export )?SECRET_KEY=.' .env || { \
		echo "Writing a new SECRET_KEY to .env"; umask 077; \
		[ ! -s .env ] || echo >>.env; echo "SECRET_KEY=$(NEW_KEY)" >>.env; }

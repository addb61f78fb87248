# Two commands matter: `make demo` shows what Fieldtap does, `make test` proves it. Both set up all they need.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

VENV   := .venv
BIN    := $(VENV)/bin
PYTHON ?= $(shell for p in python3.14 python3.13 python3.12 python3.11 python3; do command -v $$p >/dev/null && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
RUST_SOURCES := Cargo.toml Cargo.lock $(shell find dissectors/src -name '*.rs' -o -name '*.tsv')

.PHONY: help demo test lint format bench fuzz pcaps tools clean setup
help:
	@echo "make demo    set up, then replay an attack on a water works against its policy"
	echo "make test    set up, then run all tests (Rust, Python, the installed wheel)"
	echo "make lint    rustfmt, clippy, ruff, mypy --strict, stubtest"
	echo "make bench   measure speed and memory against other tools"
	echo "make test-elastic  ship the whole corpus to a real Elasticsearch, kill everything 100 times"
	echo "make fuzz    fuzz the engine (cargo-fuzz; FUZZ_SECONDS=60 a target)"
	echo "make pcaps   record the project's own captures anew (root, network namespaces)"

demo: setup
	@mkdir -p target && rm -f target/demo.sqlite*
	$(BIN)/fieldtap replay pcaps/mixed/attack.pcapng --zones zones/examples/lakeside.yml --store target/demo.sqlite
	echo
	echo "Here fieldtap is $(BIN)/fieldtap. The same plant on an ordinary day, without a finding:"
	echo "  $(BIN)/fieldtap replay pcaps/mixed/normal.pcapng --zones zones/examples/lakeside.yml --store none"

setup: $(VENV)/installed

$(VENV)/created:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is missing: install it, for example 'apt-get install python3 python3-venv' or from python.org." >&2; exit 1; }
	$(PYTHON) -m venv --help >/dev/null 2>&1 || { echo "Python's venv module is missing: 'apt-get install python3-venv'." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	touch $@

$(VENV)/dependencies: $(VENV)/created pyproject.toml
	@echo "Installing Python packages …" >&2
	$(BIN)/python -m pip install --quiet --group dev
	touch $@

$(VENV)/installed: $(VENV)/dependencies $(RUST_SOURCES)
	@version=$$(rustc --version 2>/dev/null | cut -d' ' -f2) || true
	{ test -n "$$version" && test "$$(printf '%s\n' 1.88.0 "$$version" | sort -V | head -1)" = 1.88.0; } || { echo "Rust 1.88 or newer is missing: install it with rustup (rustup.rs), or 'rustup update stable'." >&2; exit 1; }
	command -v cc >/dev/null || { echo "A C compiler is missing: 'apt-get install gcc libc6-dev'." >&2; exit 1; }
	echo "Building the native engine (a minute or two the first time) …" >&2
	VIRTUAL_ENV=$(abspath $(VENV)) $(BIN)/maturin develop --release --quiet
	touch $@

# What tests and benchmarks use from the system. As root on Debian it is installed; elsewhere one line says how.
tools:
	@missing=; for tool in tshark:tshark tcpdump:tcpdump ip:iproute2 setpriv:util-linux zstd:zstd chromium:chromium pdftoppm:poppler-utils java:openjdk-17-jre-headless mvn:maven unzip:unzip; do command -v "$${tool%%:*}" >/dev/null || missing="$$missing $${tool##*:}"; done
	ldconfig -p 2>/dev/null | grep -q 'libpcap\.so' || missing="$$missing libpcap0.8"
	if test -n "$$missing"; then
	  if test "$$(id -u)" = 0 && command -v apt-get >/dev/null; then
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null
	  elif test "$${CI:-}" = true; then echo "Missing for the tests: apt-get install$$missing" >&2; exit 1
	  else echo "Some tests will be skipped; to run them: sudo apt-get install$$missing" >&2; fi
	fi

test: setup tools
	@cargo test --quiet --no-default-features --lib
	cargo test --quiet --manifest-path tests/fuzz/Cargo.toml --target-dir target/fuzz --lib
	$(BIN)/python -m pytest -n auto
	$(MAKE) test-wheel

# The same tests once more, away from the source tree, against the wheel as users install it.
.PHONY: test-wheel
test-wheel: setup
	@rm -rf target/away target/wheels
	VIRTUAL_ENV=$(abspath $(VENV)) $(BIN)/maturin build --release --quiet --out target/wheels
	$(BIN)/python -m venv target/away/venv
	target/away/venv/bin/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	target/away/venv/bin/python -m pip install --quiet --group test target/wheels/*.whl
	mkdir -p target/away/project && cp -r tests pcaps pyproject.toml README.md target/away/project/
	cp -r --parents dissectors/README.md rules/README.md zones/README.md zones/examples target/away/project/ # what tests read; no code
	cd target/away/project && FIELDTAP_AWAY=1 ../venv/bin/python -I -m pytest -n auto --import-mode=importlib -p no:cacheprovider

lint: setup
	@cargo fmt --check
	cargo clippy --quiet --all-targets -- -D warnings
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m mypy.stubtest dissectors._native --mypy-config-file pyproject.toml

format: setup
	@cargo fmt
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

# The whole corpus into a real Elasticsearch, and 100 kills of sensor, shipper and server; FIELDTAP_ELASTICSEARCH=9.2.0 takes a server 9.
.PHONY: test-elastic
test-elastic: setup tools
	@CI=true FIELDTAP_KILLS=100 FIELDTAP_WHOLE_CORPUS=1 $(BIN)/python -m pytest tests/elastic -v

bench: setup tools
	@$(BIN)/python -m tests.bench

fuzz:
	@cd tests/fuzz && ./run.sh

pcaps: setup
	@$(BIN)/python -m pip install --quiet --group record
	$(BIN)/python -m pcaps.make

clean:
	@rm -rf $(VENV) target dist .pytest_cache .mypy_cache .ruff_cache dissectors/*.so

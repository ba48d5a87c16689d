# Everything that a person or CI does with this checkout. `make` alone lists it.

SHELL := bash
.NOTPARALLEL:
.PHONY: help run build test check e2e interop matrix bench clean build-tools test-tools

# The tools of this checkout come first. A fresh shell may not know cargo's folder yet.
export PATH := $(CURDIR)/.tools/bin:$(PATH):$(HOME)/.cargo/bin:/usr/sbin
export CARGO_TARGET_DIR := $(CURDIR)/target
export TRUNK_SKIP_VERSION_CHECK := true
# With this variable set, Leptos would ask for the bundle under another name.
unexport LEPTOS_OUTPUT_NAME

# Rust's folders are looked for beside the cargo on PATH, so that an empty HOME does not hide them.
CARGO_FOLDER := $(patsubst %/bin/cargo,%,$(shell PATH="$(PATH)" command -v cargo))
ifneq ($(wildcard $(CARGO_FOLDER)/../.rustup/settings.toml),)
export CARGO_HOME ?= $(CARGO_FOLDER)
export RUSTUP_HOME ?= $(abspath $(CARGO_FOLDER)/../.rustup)
endif

# CI builds exactly what Cargo.lock says; a developer's build may update it.
LOCKED := $(if $(CI),--locked)
OPENCLAW := target/release/openclaw
SITE := target/site/pkg/app_bg.wasm
SITE_INPUTS := $(shell find app crates/protocol/Cargo.toml crates/protocol/src style public \
	Cargo.toml Cargo.lock Trunk.toml rust-toolchain.toml .ci/finish-site.mjs 2>/dev/null)
E2E_TOOLS = CHROMIUM="$${CHROMIUM:-$$(command -v chromium)}" \
	NGINX=$(CURDIR)/.tools/bin/nginx LIBFAKETIME=$(CURDIR)/.tools/lib/libfaketime.so.1
NODE_MODULES := end2end/node_modules/.package-lock.json

help:
	@sed -n 's/^\([a-z0-9]*\):.*## /make \1|/p' Makefile | while IFS='|' read -r command words; do printf '%-12s %s\n' "$$command" "$$words"; done

run: build ## builds what changed and starts the gateway on 127.0.0.1:18789, showing your owner link
	@exec $(OPENCLAW) gateway --show-owner-link $(ARGS)

build: $(SITE) ## leaves the finished program, Control UI included, at target/release/openclaw
	cargo build --release --package openclaw $(LOCKED)

test: check e2e ## everything: check, then the browser tests against the finished program

check: $(SITE) test-tools ## formatting, lints, and the tests that need no browser
	cargo fmt --all --check
	cargo clippy --workspace --all-targets $(LOCKED) -- -D warnings
	cargo clippy --package app --features hydrate --target wasm32-unknown-unknown $(LOCKED) -- -D warnings
	cargo test --workspace $(LOCKED)

e2e: build test-tools $(NODE_MODULES) ## the browser tests: real Chromium, a real TLS proxy, a movable clock
	cd end2end && $(E2E_TOOLS) npm test

interop: build test-tools $(NODE_MODULES) ## the official clients, unmodified, against the finished program; writes docs/interop.md
	$(E2E_TOOLS) node end2end/interop/run.mjs

matrix: build $(NODE_MODULES) ## PREVIOUS=path/to/an/older/openclaw and this one take turns on one state directory
	@test -x "$(PREVIOUS)" || { echo "name the older program: make matrix PREVIOUS=path/to/openclaw" >&2; exit 2; }
	node end2end/matrix.mjs "$(PREVIOUS)" $(OPENCLAW)

bench: build test-tools $(NODE_MODULES) ## measures the finished program on this machine
	$(E2E_TOOLS) node end2end/bench.mjs

clean: ## removes what was built, but keeps the tools
	rm -rf target end2end/node_modules end2end/results

build-tools:
	@.ci/install-tools

test-tools:
	@.ci/install-tools tests

# Trunk refuses a NO_COLOR that is not `true` or `false`.
$(SITE): $(SITE_INPUTS) | build-tools
	env -u NO_COLOR trunk build --release
	@touch $@

$(NODE_MODULES): end2end/package.json end2end/package-lock.json | test-tools
	cd end2end && npm ci --ignore-scripts
	@touch $@

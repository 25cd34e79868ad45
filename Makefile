# Everything a developer does here. `make check` is what the continuous integration runs; `make` alone lists the targets.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

# Tools are pinned in tools/ and installed into .tools/, each when something first needs it.
TOOLS := .tools
ENGINE := $(TOOLS)/engine
LINT := $(TOOLS)/lint
PACKAGE := $(TOOLS)/package
EMULATOR := $(TOOLS)/aws-lambda-rie
CARGO_DENY_VERSION := 0.20.2
CARGO_DENY := $(TOOLS)/cargo-deny-$(CARGO_DENY_VERSION)/bin/cargo-deny

# The oldest glibc that the executable has to run with is that of provided.al2.
TARGET := x86_64-unknown-linux-gnu
GLIBC := 2.26
BOOTSTRAP := target/$(TARGET)/release/bootstrap
ZIP := dist/bootstrap.zip
SOURCES := $(shell find src -name '*.rs') Cargo.toml Cargo.lock .cargo/config.toml

.PHONY: help
help: ## list the targets
	@grep -E '^[a-z-]+:.* ## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.* ## /\1\t/' | expand -t 12

.PHONY: demo
demo: $(ZIP) $(ENGINE)/.installed ## deploy the provider on an engine on this machine and watch a stack's life
	@$(ENGINE)/bin/python tests/engine/demo.py

.PHONY: try
try: ## print what would be done for an event of tests/events, calling nobody: make try EVENT=create-account
	@cargo run --quiet --example try -- tests/events/$(EVENT).json

.PHONY: check
check: format lint licences templates test engine ## everything that a change has to pass

.PHONY: fmt
fmt: ## format the code
	cargo fmt

.PHONY: format
format: ## check that the code is formatted
	cargo fmt --check

.PHONY: lint
lint: ## check the code with clippy, and its documentation
	cargo clippy --locked --all-targets -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --locked --no-deps --document-private-items

.PHONY: licences
licences: $(CARGO_DENY) ## check licences, sources and doubles of the dependencies
	$(CARGO_DENY) --locked check bans licenses sources

.PHONY: advisories
advisories: $(CARGO_DENY) ## check the dependencies for known vulnerabilities (needs the internet)
	$(CARGO_DENY) --locked check advisories

.PHONY: templates
templates: $(LINT)/.installed ## check template.yaml, the examples and the templates in the README with cfn-lint
	$(LINT)/bin/python tests/engine/readme.py $(TOOLS)/readme
	$(LINT)/bin/cfn-lint template.yaml examples/*.yaml $(TOOLS)/readme/*.yaml

.PHONY: test
# The stories wait for child processes rather than compute, so there are more of them at a time than processors.
test: ## run the Rust tests
	RUST_TEST_THREADS=12 cargo test --locked

.PHONY: crowds
crowds: ## run the Rust tests that take minutes: very many grants at the rate that Lambda allows
	cargo test --locked --test story crowds -- --ignored --nocapture

.PHONY: engine
engine: $(ZIP) $(ENGINE)/.installed $(EMULATOR) ## run the engine tests: what ships, in real engines
	cd tests/engine && $(CURDIR)/$(ENGINE)/bin/pytest

.PHONY: package
package: $(ZIP) ## build the zip that ships, dist/bootstrap.zip

.PHONY: clean
clean: ## remove what was built; the tools stay
	rm -rf target dist

$(ZIP): $(BOOTSTRAP) tools/zip_bootstrap.py
	python3 tools/zip_bootstrap.py $< $@

$(BOOTSTRAP): $(SOURCES) $(PACKAGE)/.installed
	PATH="$(CURDIR)/$(PACKAGE)/bin:$$PATH" cargo zigbuild --locked --release --bin bootstrap --target $(TARGET).$(GLIBC)
	touch $@

$(TOOLS)/%/.installed: tools/requirements-%.txt
	rm -rf $(@D)
	python3 -m venv $(@D)
	$(@D)/bin/pip --quiet --disable-pip-version-check install --requirement $<
	touch $@

$(EMULATOR): tools/take_emulator.py
	python3 tools/take_emulator.py $@

$(CARGO_DENY):
	cargo install --quiet --locked --no-default-features --version $(CARGO_DENY_VERSION) \
	  --root $(TOOLS)/cargo-deny-$(CARGO_DENY_VERSION) cargo-deny

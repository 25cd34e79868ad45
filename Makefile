# Everything a developer does here. `make check` is what the continuous integration runs; `make` alone lists the targets.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

# Tools are pinned in tools/ by version and SHA-256, and installed into .tools/, each when something first needs it.
TOOLS := .tools
ENGINE := $(TOOLS)/engine
LINT := $(TOOLS)/lint
PACKAGE := $(TOOLS)/package
SAM := $(TOOLS)/sam
AWS := $(TOOLS)/aws
EMULATOR := $(TOOLS)/aws-lambda-rie
PEER := $(TOOLS)/peer
NODE_PEER := $(TOOLS)/node-peer
CARGO_DENY_VERSION := 0.20.2
CARGO_DENY := $(TOOLS)/cargo-deny-$(CARGO_DENY_VERSION)/bin/cargo-deny
CARGO_FUZZ_VERSION := 0.13.2
CARGO_FUZZ := $(TOOLS)/cargo-fuzz-$(CARGO_FUZZ_VERSION)/bin/cargo-fuzz
CARGO_MUTANTS_VERSION := 27.1.0
CARGO_MUTANTS := $(TOOLS)/cargo-mutants-$(CARGO_MUTANTS_VERSION)/bin/cargo-mutants

# The oldest glibc that the executable has to run with is that of provided.al2.
ARCH ?= x86_64
PLATFORM_x86_64 := x86_64-unknown-linux-gnu
PLATFORM_arm64 := aarch64-unknown-linux-gnu
PLATFORM := $(or $(PLATFORM_$(ARCH)),$(error ARCH is neither x86_64 nor arm64: got `$(ARCH)`))
GLIBC := 2.26
BOOTSTRAP := target/$(PLATFORM)/release/bootstrap
DIST := $(patsubst %/x86_64,%,dist/$(ARCH))
ZIP := $(DIST)/bootstrap.zip
SBOM := $(DIST)/sbom.cdx.json
PACKAGED := $(DIST)/packaged.yaml
LAYER_ACCESS := target/debug/examples/layer-access
FLOOR := target/floor/$(PLATFORM)/release/floor
# The server of the benchmarks: what is timed needs a fast one, what is counted does not.
FAKE_AWS := target/release/fake-aws
DEBUG_FAKE_AWS := target/debug/fake-aws
SOURCES := $(shell find src -name '*.rs') Cargo.toml Cargo.lock .cargo/config.toml
FAKE_AWS_SOURCES := $(shell find tests/fake_aws/src -type f) tests/fake_aws/Cargo.toml Cargo.toml Cargo.lock .cargo/config.toml

# What deploy, smoke and remove work on.
export BUCKET PARAMETERS ACCOUNT YES
export STACK ?= layer-permission-provider
export FUNCTION ?= layer-permission-provider

# Said before anything is built.
SAYS_demo := make demo: deploys the provider and a stack that uses it on this machine; builds what ships first, which takes minutes once
SAYS_check := make check: runs all that a change has to pass; takes some ten minutes where nothing is built yet
SAYS_package = make package: builds what ships for $(ARCH) and writes it to $(DIST)/; takes minutes where nothing is built yet
$(foreach goal,$(MAKECMDGOALS),$(if $(SAYS_$(goal)),$(info $(SAYS_$(goal)))))

# What `make fuzz` tries to break, and for how long.
TARGET := policies
SECONDS := 60

.PHONY: help
help: ## list the targets
	@grep -E '^[a-zA-Z-]+:.* ## ' $(MAKEFILE_LIST) | sed -E 's/^([a-zA-Z-]+):.* ## /\1\t/' | expand -t 16

.PHONY: demo
demo: $(ZIP) $(ENGINE)/.installed ## deploy the provider on an engine on this machine and watch a stack's life
	@$(ENGINE)/bin/python tests/engine/demo.py

.PHONY: try
try: ## print what would be done for an event of tests/events, calling nobody: make try EVENT=create-account
	@cargo run --quiet --example try -- tests/events/$(EVENT).json

.PHONY: check
check: format lint licences advisories templates test fuzz-build budget engine sam ## everything that a change has to pass
	@echo 'make check: all passed: $^'

.PHONY: fmt
fmt: ## format the code
	cargo fmt --all

.PHONY: format
format: ## check that the code is formatted
	cargo fmt --all --check
	cargo fmt --check --manifest-path benches/floor/Cargo.toml

.PHONY: lint
lint: ## check the code with clippy, and its documentation
	cargo clippy --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --locked --workspace --no-deps --document-private-items

.PHONY: licences
licences: $(CARGO_DENY) ## check licences, sources and doubles of the dependencies
	$(CARGO_DENY) --locked check bans licenses sources

.PHONY: advisories
advisories: $(CARGO_DENY) ## check the dependencies for known vulnerabilities, where their database can be reached
	tools/check_advisories.sh $(CARGO_DENY)

.PHONY: templates
templates: $(LINT)/.installed ## check template.yaml, the examples and the templates in the README with cfn-lint
	$(LINT)/bin/python tests/engine/readme.py $(TOOLS)/readme
	$(LINT)/bin/cfn-lint template.yaml examples/*.yaml $(TOOLS)/readme/*.yaml

.PHONY: test
# The integration tests wait for child processes rather than compute, so more of them run at a time than there are processors.
test: ## run the Rust tests
	RUST_TEST_THREADS=12 cargo test --locked --workspace

.PHONY: load-test
load-test: ## run the integration tests that take minutes: very many grants at the rate that Lambda allows
	cargo test --locked --test integration load:: -- --ignored --nocapture

.PHONY: fuzz-build
fuzz-build: ## check that the fuzz targets compile (needs a C++ compiler)
	cargo fmt --check --manifest-path fuzz/Cargo.toml
	cargo clippy --locked --manifest-path fuzz/Cargo.toml --target-dir target/fuzz --all-targets -- -D warnings

.PHONY: fuzz
# Without a sanitizer a stable toolchain will do, and nothing is missed: there is no unsafe code to watch.
fuzz: $(CARGO_FUZZ) ## make up inputs that might break a law: make fuzz TARGET=policies SECONDS=60
	mkdir -p fuzz/corpus/$(TARGET)
	$(CARGO_FUZZ) run --sanitizer none --target-dir target/fuzz $(TARGET) \
	  fuzz/corpus/$(TARGET) fuzz/seeds/$(TARGET) $(wildcard tests/$(TARGET)) -- \
	  -dict=fuzz/words.dict -max_len=8192 -timeout=10 -max_total_time=$(SECONDS)

.PHONY: mutants
mutants: $(CARGO_MUTANTS) ## change the code without I/O and list the changes that no test notices (takes an hour or two)
	PROPTEST_CASES=32 CARGO_PROFILE_DEV_DEBUG=0 CARGO_TARGET_DIR=$(CURDIR)/target/mutants \
	  $(CARGO_MUTANTS) mutants --jobs 1 --output target

.PHONY: faults
faults: ## live through schedules of faults, which test does with 200 of them: make faults N=10000, or a failed one alone: make faults SEED=7
	N=$(N) SEED=$(SEED) cargo test --locked --test faults -- --nocapture

.PHONY: engine
engine: $(PACKAGED) $(ENGINE)/.installed $(AWS)/.installed $(EMULATOR) $(LAYER_ACCESS) ## run the engine tests: what ships, in real engines
	cd tests/engine && $(CURDIR)/$(ENGINE)/bin/pytest

.PHONY: sam
sam: $(BOOTSTRAP) $(SAM)/.installed ## check that AWS SAM takes template.yaml: validate and build
	tools/check_sam.sh $(SAM)/bin

.PHONY: build-Provider
build-Provider: $(BOOTSTRAP) ## what `sam build` runs: the executable alone, in ARTIFACTS_DIR
	cp $< $(ARTIFACTS_DIR)/bootstrap

.PHONY: bench
bench: $(ZIP) $(FAKE_AWS) $(FLOOR) $(PEER)/.installed $(NODE_PEER)/handler.cjs ## measure the executable that ships beside others that do the same (takes half an hour of a quiet machine)
	FAKE_AWS=$(FAKE_AWS) python3 benches/bench.py $(ZIP) $(FLOOR) $(PEER) $(NODE_PEER)

.PHONY: bench-large
bench-large: $(ZIP) $(FAKE_AWS) ## the part of bench that sends events of up to 1 MB to the executable that ships: make bench-large, or some: make bench-large ROWS=notifications
	FAKE_AWS=$(FAKE_AWS) python3 benches/large_events.py $(ZIP) $(if $(ROWS),'$(ROWS)')

.PHONY: budget
budget: $(ZIP) $(DEBUG_FAKE_AWS) ## check what the executable that ships costs, without timing anything: make budget, or make budget UPDATE=1 for a new baseline
	FAKE_AWS=$(DEBUG_FAKE_AWS) PATH="$(CURDIR)/$(PACKAGE)/bin:$$PATH" python3 benches/budget.py $(PLATFORM) $(GLIBC) $(BOOTSTRAP) $(ZIP) $(if $(UPDATE),--update)

.PHONY: package
package: $(ZIP).sha256 $(SBOM) $(PACKAGED) ## build what ships, with its SHA-256, crates and template: dist/; make package ARCH=arm64
	@echo "make package: wrote $(ZIP) $^, with SHA-256 $$(cut -d ' ' -f 1 $<)"

.PHONY: deploy
deploy: ## deploy the provider to AWS: make deploy BUCKET=my-bucket; shows the commands, and asks
	@tools/deploy.sh

.PHONY: smoke
smoke: ## try the deployed provider on AWS with a throw-away layer; shows the commands, and asks
	@tools/smoke.sh

.PHONY: remove
remove: ## remove the provider from AWS; shows the commands, and asks
	@tools/remove.sh

.PHONY: reproducible
reproducible: $(PACKAGE)/.installed $(LINT)/.installed ## build the package in two other folders and compare the sums
	tools/check_reproducible.sh

.PHONY: lock-tools
lock-tools: $(TOOLS)/lock/.installed ## write the SHA-256 of every Python tool: after a change of a tools/requirements-*.in
	tools/lock_tools.sh $(CURDIR)/$(TOOLS)/lock/bin/uv

.PHONY: clean
clean: ## remove what was built; the tools stay
	rm -rf target dist

# Under its second name, `sam build` does not take it for built already.
$(ZIP): $(BOOTSTRAP) tools/zip_bootstrap.py
	python3 tools/zip_bootstrap.py $< $@
	ln -sf $(@F) $(@D)/code

$(ZIP).sha256: $(ZIP)
	cd $(@D) && sha256sum $(<F) > $(@F)

$(SBOM): $(ZIP) tools/write_sbom.py tools/requirements-package.txt
	python3 tools/write_sbom.py $(PLATFORM) $< tools/requirements-package.txt $@

$(PACKAGED): template.yaml $(ZIP) tools/write_packaged.py $(LINT)/.installed
	$(LINT)/bin/python tools/write_packaged.py $< $(ZIP) $(ARCH) $@
	$(LINT)/bin/cfn-lint $@

$(BOOTSTRAP): $(SOURCES) $(PACKAGE)/.installed tools/build_bootstrap.sh
	PATH="$(CURDIR)/$(PACKAGE)/bin:$$PATH" tools/build_bootstrap.sh $(PLATFORM) $(GLIBC)
	touch $@

$(LAYER_ACCESS): $(SOURCES) $(wildcard examples/layer-access/*.rs)
	cargo build --locked --quiet --example layer-access
	touch $@

$(FAKE_AWS): $(FAKE_AWS_SOURCES)
	cargo build --locked --quiet --release --package fake-aws
	touch $@

$(DEBUG_FAKE_AWS): $(FAKE_AWS_SOURCES)
	cargo build --locked --quiet --package fake-aws
	touch $@

# The file names all that they take in turn: pip would not take the hash of a package that another one asks for with extras.
$(TOOLS)/%/.installed: tools/requirements-%.txt
	rm -rf $(@D)
	python3 -m venv $(@D)
	$(@D)/bin/pip --quiet --disable-pip-version-check install --require-hashes --only-binary :all: --no-deps --requirement $<
	$(@D)/bin/pip --disable-pip-version-check check
	touch $@

$(FLOOR): $(wildcard benches/floor/src/*.rs) benches/floor/Cargo.toml benches/floor/Cargo.lock .cargo/config.toml $(PACKAGE)/.installed
	PATH="$(CURDIR)/$(PACKAGE)/bin:$$PATH" cargo zigbuild --quiet --locked --release --target $(PLATFORM).$(GLIBC) \
	  --manifest-path benches/floor/Cargo.toml --target-dir target/floor
	touch $@

$(NODE_PEER)/handler.cjs: $(wildcard benches/peers/node/*)
	rm -rf $(@D)
	mkdir -p $(@D)
	cp benches/peers/node/package*.json $(@D)
	npm ci --silent --ignore-scripts --prefix $(@D)
	NODE_PATH=$(@D)/node_modules $(@D)/node_modules/.bin/esbuild benches/peers/node/runtime.js --bundle --minify --platform=node \
	  --target=node20 --log-level=warning --outfile=$@

$(EMULATOR): tools/take_emulator.py tools/requirements-sam.txt
	python3 tools/take_emulator.py tools/requirements-sam.txt $@

$(CARGO_DENY):
	cargo install --quiet --locked --no-default-features --version $(CARGO_DENY_VERSION) \
	  --root $(TOOLS)/cargo-deny-$(CARGO_DENY_VERSION) cargo-deny

$(CARGO_FUZZ):
	cargo install --quiet --locked --version $(CARGO_FUZZ_VERSION) \
	  --root $(TOOLS)/cargo-fuzz-$(CARGO_FUZZ_VERSION) cargo-fuzz

$(CARGO_MUTANTS):
	cargo install --quiet --locked --version $(CARGO_MUTANTS_VERSION) \
	  --root $(TOOLS)/cargo-mutants-$(CARGO_MUTANTS_VERSION) cargo-mutants

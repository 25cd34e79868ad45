# Every development task. CI runs `make check`; `make` alone lists the targets.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

# What has to be there already, and where it comes from. Asked for before anything else fails; `sh` needs no other program for that.
REQUIRED := cargo python3 cc
HINT_cargo := install Rust, for example from https://rustup.rs
HINT_python3 := install Python 3.11 or newer with its venv module, for example the packages python3 and python3-venv
HINT_cc := install a C compiler, for example the package build-essential, gcc or clang
MISSING := $(foreach tool,$(REQUIRED),$(if $(shell command -v $(tool) 2>/dev/null),,$(tool)))
ifneq ($(strip $(MISSING)),)
$(foreach tool,$(MISSING),$(info $(tool) is missing: $(HINT_$(tool))))
$(error nothing was done: got no $(strip $(MISSING)) in PATH)
endif

# Tools are pinned in tools/ by version and SHA-256, and installed into .tools/ on first use.
TOOLS := .tools
E2E := $(TOOLS)/e2e
LINT := $(TOOLS)/lint
PACKAGE := $(TOOLS)/package
SAM := $(TOOLS)/sam
AWS := $(TOOLS)/aws
RUNTIME_EMULATOR := $(TOOLS)/aws-lambda-rie
PEER := $(TOOLS)/peer
NODE_PEER := $(TOOLS)/node-peer
NODE := $(TOOLS)/node
BROWSER := $(TOOLS)/browser
CDK := $(TOOLS)/cdk
# What an x86_64 machine needs to build and run for arm64.
ARM64 := $(if $(filter-out aarch64 arm64,$(shell uname -m)),$(TOOLS)/arm64/.installed)
CARGO_DENY_VERSION := 0.20.2
CARGO_DENY := $(TOOLS)/cargo-deny-$(CARGO_DENY_VERSION)/bin/cargo-deny
CARGO_FUZZ_VERSION := 0.13.2
CARGO_FUZZ := $(TOOLS)/cargo-fuzz-$(CARGO_FUZZ_VERSION)/bin/cargo-fuzz
CARGO_MUTANTS_VERSION := 27.1.0
CARGO_MUTANTS := $(TOOLS)/cargo-mutants-$(CARGO_MUTANTS_VERSION)/bin/cargo-mutants

# The oldest glibc that the executable has to run with: that of provided.al2.
ARCH ?= x86_64
PLATFORM_x86_64 := x86_64-unknown-linux-gnu
PLATFORM_arm64 := aarch64-unknown-linux-gnu
PLATFORM := $(or $(PLATFORM_$(ARCH)),$(error ARCH is neither x86_64 nor arm64: got `$(ARCH)`))
GLIBC := 2.26
BOOTSTRAP := target/$(PLATFORM)/release/bootstrap
DIST := $(patsubst %/x86_64,%,dist/$(ARCH))
ZIP := $(DIST)/bootstrap-$(ARCH).zip
SBOM := $(DIST)/sbom-$(ARCH).cdx.json
PACKAGED := $(DIST)/packaged.yaml
AUDIT_ARCHIVE := $(DIST)/lambda-permission-audit-linux-$(ARCH).tar.gz
DEBUG_BOOTSTRAP := target/debug/bootstrap
AUDIT := target/debug/lambda-permission-audit
PLAN := target/debug/examples/plan
FLOOR := target/floor/$(PLATFORM)/release/floor
# The server of the benchmarks: what is timed needs a fast one, what is counted does not.
FAKE_AWS := target/release/fake-aws
DEBUG_FAKE_AWS := target/debug/fake-aws
SOURCES := $(shell find src -name '*.rs') Cargo.toml Cargo.lock .cargo/config.toml
AUDIT_SOURCES := $(wildcard audit/src/*) audit/Cargo.toml
FAKE_AWS_SOURCES := $(shell find tests/fake_aws/src -type f) tests/fake_aws/Cargo.toml Cargo.toml Cargo.lock .cargo/config.toml

# Arguments of deploy, smoke and remove.
export BUCKET PARAMETERS ACCOUNT YES ARCH DIST
export STACK ?= lambda-permission-provider
export FUNCTION ?= lambda-permission-provider

# What `make check` runs, in two sequences at the same time: what the tests and the compiler say of the sources, and the release.
CHECKS := 'fmt-check lint test fuzz-build deny audit-deps' 'lint-templates budget e2e sam-validate'

# Printed before anything is built.
NOTICE_demo := make demo: deploys the provider and a stack that uses it on this machine; takes about three minutes where nothing is built yet
NOTICE_check := make check: runs every check; takes about sixteen minutes where nothing is built yet
NOTICE_package = make package: builds the release for $(ARCH) and writes it to $(DIST)/; takes minutes where nothing is built yet
$(foreach goal,$(MAKECMDGOALS),$(if $(NOTICE_$(goal)),$(info $(NOTICE_$(goal)))))

# The target of `make fuzz`, and how long it runs.
TARGET := policies
SECONDS := 60

.PHONY: help
help: ## list the targets
	@grep -E '^[a-zA-Z0-9-]+:.* ## ' $(MAKEFILE_LIST) | sed -E 's/^([a-zA-Z0-9-]+):.* ## /\1\t/' | expand -t 16

.PHONY: demo
# The release is optimized as a whole, which takes minutes. What is demonstrated does not depend on that.
demo: $(DEBUG_BOOTSTRAP) $(E2E)/.installed ## deploy the provider to a local CloudFormation, and create, update and delete a stack that uses it
	@$(E2E)/bin/python tests/e2e/demo.py $(DEBUG_BOOTSTRAP)

.PHONY: plan
plan: ## print the plan for an event of tests/events, without any call: make plan EVENT=create-account
	@cargo run --quiet --example plan -- tests/events/$(EVENT).json

.PHONY: check
check: ## run every check that a change has to pass
	@python3 tools/check.py $(CHECKS)
	@echo 'make check: all passed: $(subst ','',$(CHECKS))'

.PHONY: fmt
fmt: ## format the code
	cargo fmt --all

.PHONY: fmt-check
fmt-check: ## check that the code is formatted
	cargo fmt --all --check
	cargo fmt --check --manifest-path benches/floor/Cargo.toml

.PHONY: lint
lint: ## check the code with clippy, and its documentation
	cargo clippy --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --locked --workspace --no-deps --document-private-items

.PHONY: deny
deny: $(CARGO_DENY) ## check licences, sources and duplicate versions of the dependencies
	$(CARGO_DENY) --locked check bans licenses sources

.PHONY: audit-deps
audit-deps: $(CARGO_DENY) ## check the dependencies for known vulnerabilities, if the advisory database can be reached
	tools/audit_deps.sh $(CARGO_DENY)

.PHONY: lint-templates
lint-templates: $(LINT)/.installed ## check template.yaml, the examples and the templates in the README with cfn-lint and the rules in lint/
	$(LINT)/bin/python tests/e2e/readme_templates.py $(TOOLS)/readme
	$(LINT)/bin/cfn-lint --append-rules lint --template template.yaml examples/*.yaml $(TOOLS)/readme/*.yaml

.PHONY: lint-rules
lint-rules: ## write the schemas in lint/ from the code, after a change of a property
	cargo run --locked --quiet --example property_schemas

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
fuzz: $(CARGO_FUZZ) ## generate inputs that might violate an invariant: make fuzz TARGET=policies SECONDS=60
	mkdir -p fuzz/corpus/$(TARGET)
	$(CARGO_FUZZ) run --sanitizer none --target-dir target/fuzz $(TARGET) \
	  fuzz/corpus/$(TARGET) fuzz/seeds/$(TARGET) $(wildcard tests/$(TARGET)) -- \
	  -dict=fuzz/dictionary.txt -max_len=8192 -timeout=10 -max_total_time=$(SECONDS)

.PHONY: mutants
mutants: $(CARGO_MUTANTS) ## mutate the code without I/O and list the mutants that no test catches (takes an hour or two)
	PROPTEST_CASES=32 CARGO_PROFILE_DEV_DEBUG=0 CARGO_TARGET_DIR=$(CURDIR)/target/mutants \
	  $(CARGO_MUTANTS) mutants --jobs 1 --output target

.PHONY: test-faults
test-faults: ## run schedules of injected faults, of which test runs 200: make test-faults N=10000, a failed one alone: make test-faults SEED=7, or with the stack in another account than the function: make test-faults STACK_ACCOUNT=444455556666
	N=$(N) SEED=$(SEED) cargo test --locked --test fault_injection -- --nocapture

.PHONY: e2e
e2e: $(PACKAGED) $(E2E)/.installed $(AWS)/.installed $(RUNTIME_EMULATOR) $(AUDIT) $(PLAN) $(BROWSER)/.installed $(CDK)/.installed $(SAM)/.installed ## run the end-to-end tests: the release zip in a local CloudFormation and in AWS's Runtime Interface Emulator
	cd tests/e2e && $(CURDIR)/$(E2E)/bin/pytest --numprocesses 2 --dist loadfile

.PHONY: sam-validate
sam-validate: $(BOOTSTRAP) $(SAM)/.installed ## run `sam validate` and `sam build` with template.yaml
	tools/sam_validate.sh $(SAM)/bin

.PHONY: check-arm64
check-arm64: $(ARM64) ## build for arm64 and test that, elsewhere under an emulator from Debian; not part of check
	tools/check_arm64.sh $(TOOLS)/arm64

.PHONY: build-Provider
build-Provider: $(BOOTSTRAP) ## run by `sam build`: copy the executable to ARTIFACTS_DIR
	cp $< $(ARTIFACTS_DIR)/bootstrap

.PHONY: build-Auditor
build-Auditor: build-Provider ## run by `sam build`: the same for the function of the audit

.PHONY: bench
bench: $(ZIP) $(FAKE_AWS) $(FLOOR) $(PEER)/.installed $(NODE_PEER)/handler.cjs ## benchmark the release executable against equivalents in other languages (takes half an hour on an idle machine)
	FAKE_AWS=$(FAKE_AWS) python3 benches/bench.py $(ZIP) $(FLOOR) $(PEER) $(NODE_PEER)

.PHONY: bench-network
bench-network: $(ZIP) $(FAKE_AWS) $(FLOOR) $(PEER)/.installed $(NODE_PEER)/handler.cjs ## run the part of bench with the delays of a region's network
	FAKE_AWS=$(FAKE_AWS) python3 benches/network.py $(ZIP) $(FLOOR) $(PEER) $(NODE_PEER)

.PHONY: bench-large
bench-large: $(ZIP) $(FAKE_AWS) ## run the part of bench with events of up to 1 MB: make bench-large, or a selection: make bench-large ROWS=notifications
	FAKE_AWS=$(FAKE_AWS) python3 benches/large_events.py $(ZIP) $(if $(ROWS),'$(ROWS)')

.PHONY: budget
budget: $(ZIP) $(DEBUG_FAKE_AWS) ## check instructions, zip size and crates of the release executable against budget.json: make budget, or make budget UPDATE=1 for a new baseline
	FAKE_AWS=$(DEBUG_FAKE_AWS) PATH="$(CURDIR)/$(PACKAGE)/bin:$$PATH" python3 benches/budget.py $(PLATFORM) $(GLIBC) $(BOOTSTRAP) $(ZIP) $(if $(UPDATE),--update)

.PHONY: package
package: $(ZIP).sha256 $(SBOM) $(PACKAGED) ## build the release in dist/: zip, SHA-256, SBOM and template; make package ARCH=arm64
	@echo "make package: wrote $(ZIP) $^, with SHA-256 $$(cut -d ' ' -f 1 $<)"

.PHONY: package-audit
package-audit: $(AUDIT_ARCHIVE) ## build the audit program for Linux in dist/: make package-audit ARCH=arm64

.PHONY: release
release: $(LINT)/.installed ## collect what package and package-audit built for each platform in dist/release/
	$(LINT)/bin/python tools/assemble_release.py dist dist/release
	$(LINT)/bin/cfn-lint dist/release/packaged.yaml

.PHONY: deploy
deploy: ## deploy the provider to AWS: make deploy BUCKET=my-bucket; prints the commands and asks before running them
	@tools/deploy.sh

.PHONY: smoke
smoke: ## test the deployed provider on AWS with a temporary layer; prints the commands and asks before running them
	@tools/smoke.sh

.PHONY: remove
remove: ## remove the provider from AWS; prints the commands and asks before running them
	@tools/remove.sh

.PHONY: publish
publish: $(SAM)/.installed ## publish to the Serverless Application Repository: make publish BUCKET=my-bucket; prints the commands and asks before running them
	@PATH="$(CURDIR)/$(SAM)/bin:$$PATH" tools/publish.sh

.PHONY: reproducible
reproducible: $(PACKAGE)/.installed $(LINT)/.installed ## build the release in two other folders and compare the checksums
	tools/check_reproducible.sh

.PHONY: lock-tools
lock-tools: $(TOOLS)/lock/.installed ## lock the Python tools by SHA-256, after a change of a tools/requirements-*.in
	tools/lock_tools.sh $(CURDIR)/$(TOOLS)/lock/bin/uv

.PHONY: clean
clean: ## remove build output; the tools stay
	rm -rf target dist

# template.yaml names this link: `sam build` would not build a CodeUri that ends in .zip.
$(ZIP): $(BOOTSTRAP) tools/zip_bootstrap.py $(PACKAGE)/.installed
	$(PACKAGE)/bin/python tools/zip_bootstrap.py $< $@
	ln -sf $(@F) $(@D)/code

$(ZIP).sha256: $(ZIP)
	cd $(@D) && sha256sum $(<F) > $(@F)

$(SBOM): $(ZIP) tools/write_sbom.py tools/requirements-package.txt
	python3 tools/write_sbom.py $(PLATFORM) $< tools/requirements-package.txt $@

$(PACKAGED): template.yaml $(ZIP) tools/write_packaged.py $(LINT)/.installed
	$(LINT)/bin/python tools/write_packaged.py $< $@ $(ZIP)
	$(LINT)/bin/cfn-lint $@

dist/sar.yaml: template.yaml dist/bootstrap-x86_64.zip tools/write_sar.py $(LINT)/.installed
	$(LINT)/bin/python tools/write_sar.py $< dist/bootstrap-x86_64.zip $@

$(BOOTSTRAP): $(SOURCES) $(PACKAGE)/.installed tools/build_release.sh
	PATH="$(CURDIR)/$(PACKAGE)/bin:$$PATH" tools/build_release.sh $(PLATFORM) $(GLIBC) --bin bootstrap
	touch $@

$(AUDIT_ARCHIVE): $(SOURCES) $(AUDIT_SOURCES) $(PACKAGE)/.installed tools/build_release.sh
	PATH="$(CURDIR)/$(PACKAGE)/bin:$$PATH" tools/build_release.sh $(PLATFORM) $(GLIBC) --package lambda-permission-audit
	tar --create --gzip --file $@ --directory target/$(PLATFORM)/release lambda-permission-audit

$(DEBUG_BOOTSTRAP): $(SOURCES)
	cargo build --locked --bin bootstrap
	touch $@

$(AUDIT): $(SOURCES) $(AUDIT_SOURCES)
	cargo build --locked --quiet --package lambda-permission-audit
	touch $@

$(PLAN): $(SOURCES) examples/plan.rs
	cargo build --locked --quiet --example plan
	touch $@

$(FAKE_AWS): $(FAKE_AWS_SOURCES)
	cargo build --locked --quiet --release --package fake-aws
	touch $@

$(DEBUG_FAKE_AWS): $(FAKE_AWS_SOURCES)
	cargo build --locked --quiet --package fake-aws
	touch $@

$(TOOLS)/arm64/.installed: tools/install_arm64.sh
	rm -rf $(@D)
	tools/install_arm64.sh $(@D)
	touch $@

$(BROWSER)/.installed: tests/e2e/browser/look.mjs

# Node.js runs the Chromium in which a test looks at the page of the audit, and AWS CDK.
$(BROWSER)/.installed $(CDK)/.installed: $(TOOLS)/%/.installed: tests/e2e/%/package.json tests/e2e/%/package-lock.json $(NODE)/.installed
	rm -rf $(@D)
	mkdir -p $(@D)
	cp tests/e2e/$*/* $(@D)
	PATH=$(CURDIR)/$(NODE)/bin:$$PATH npm ci --silent --ignore-scripts --prefix $(@D)
	touch $@

# The file lists transitive dependencies too, hence --no-deps: pip rejects the hash of a package that another one requires with extras.
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

$(RUNTIME_EMULATOR): tools/extract_runtime_emulator.py tools/requirements-sam.txt
	python3 tools/extract_runtime_emulator.py tools/requirements-sam.txt $@

# Not optimized: that would take longer than it runs.
$(CARGO_DENY):
	cargo install --quiet --debug --locked --no-default-features --version $(CARGO_DENY_VERSION) \
	  --root $(TOOLS)/cargo-deny-$(CARGO_DENY_VERSION) cargo-deny

$(CARGO_FUZZ):
	cargo install --quiet --locked --version $(CARGO_FUZZ_VERSION) \
	  --root $(TOOLS)/cargo-fuzz-$(CARGO_FUZZ_VERSION) cargo-fuzz

$(CARGO_MUTANTS):
	cargo install --quiet --locked --version $(CARGO_MUTANTS_VERSION) \
	  --root $(TOOLS)/cargo-mutants-$(CARGO_MUTANTS_VERSION) cargo-mutants

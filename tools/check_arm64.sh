#!/usr/bin/env bash
# Builds the release for arm64 and tests it: `check_arm64.sh FOLDER`. On an Arm machine as it is; elsewhere with the compiler of FOLDER, unless
# Rust has the target, and under the emulator of FOLDER.
set -euo pipefail
cd "$(dirname "$0")/.."

export ARCH=arm64
target=aarch64-unknown-linux-gnu
bootstrap=$PWD/target/$target/release/bootstrap
if [ "$(uname -m)" = aarch64 ]; then
  run=()
  make package
else
  run=("$PWD/$1/bin/run-arm64")
  if [ -d "$(rustc --print target-libdir --target $target)" ]; then
    make package
  else
    # cargo reads RUSTC, and what it runs asks the rustc in the PATH. Another version compiles everything again, so it has a folder of its own.
    RUSTC=$PWD/$1/bin/rustc PATH=$PWD/$1/bin:$PATH make package
  fi
fi

readelf --file-header "$bootstrap" | grep 'Machine: *AArch64'
make target/debug/fake-aws
FAKE_AWS=target/debug/fake-aws python3 benches/smoke.py "${run[@]}" "$bootstrap"

executable=$bootstrap
if [ "${#run[@]}" -gt 0 ]; then
  # The tests run one file, without arguments.
  executable=$PWD/target/$target/release/emulated-bootstrap
  printf '#!/bin/sh\nexec %s %s\n' "${run[0]}" "$bootstrap" >"$executable"
  chmod +x "$executable"
fi
TEST_EXECUTABLE=$executable RUST_TEST_THREADS=8 cargo test --locked --test integration

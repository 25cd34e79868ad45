#!/usr/bin/env bash
# Builds the executable that ships: `build_bootstrap.sh TARGET GLIBC [OPTIONS OF CARGO]`, with cargo-zigbuild in the PATH.
# Panics and log events name source files. Their paths are cut to what is the same on every machine, so that the same sources
# give the same bytes, and the bytes do not tell where they were made.
set -euo pipefail

if [ ! -d "$(rustc --print target-libdir --target "$1")" ]; then
  echo "no Rust target: got \`$1\`, run \`rustup target add $1\`, or build on a machine of that kind" >&2
  exit 1
fi

# What lies where is only known when everything is there.
cargo fetch --quiet --locked
cut="--remap-path-prefix=$PWD="
for registry in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*; do
  cut+=$'\x1f'"--remap-path-prefix=$registry="
done
CARGO_ENCODED_RUSTFLAGS="$cut" exec cargo zigbuild --locked --release --bin bootstrap --target "$1.$2" "${@:3}"

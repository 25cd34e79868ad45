#!/usr/bin/env bash
# Builds a release executable: `build_release.sh TARGET GLIBC CARGO_OPTIONS...`, with cargo-zigbuild in the PATH.
# Panics and log events name source files. Paths are remapped to names that do not depend on the machine, so that the same sources
# give the same bytes, and the executable does not contain the build machine's paths.
set -euo pipefail

if [ ! -d "$("${RUSTC:-rustc}" --print target-libdir --target "$1")" ]; then
  echo "no Rust target: got \`$1\`, run \`rustup target add $1\`, or build on a machine of that architecture" >&2
  exit 1
fi

# The registry's folders exist only after a fetch.
cargo fetch --quiet --locked
remap="--remap-path-prefix=$PWD="
for registry in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*; do
  remap+=$'\x1f'"--remap-path-prefix=$registry="
done
CARGO_ENCODED_RUSTFLAGS="$remap" exec cargo zigbuild --locked --release --target "$1.$2" "${@:3}"

#!/usr/bin/env bash
# Builds the package in two other folders, each with its own CARGO_HOME, and compares the results.
set -euo pipefail

cargo="${CARGO_HOME:-$HOME/.cargo}"
builds=$(mktemp -d)
trap 'rm -rf "$builds"' EXIT

# The lengths of the paths differ, because they may affect the build too.
for build in "$builds/a" "$builds/another/and/deeper"; do
  mkdir -p "$build/.cargo-home"
  git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -pt "$build"
  ln -s "$PWD/.tools" "$build/.tools"
  # Reuses what is downloaded already.
  for cached in config.toml registry/index registry/cache; do
    if [ -e "$cargo/$cached" ]; then
      (cd "$cargo" && cp -r --parents "$cached" "$build/.cargo-home")
    fi
  done
  CARGO_HOME="$build/.cargo-home" make --directory "$build" package
done

cd "$builds"
sha256sum a/dist/* another/and/deeper/dist/*
diff --recursive --brief a/dist another/and/deeper/dist

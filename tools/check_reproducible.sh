#!/usr/bin/env bash
# Builds the package in two other folders, each with a home of its own for cargo, and compares what comes out.
set -euo pipefail

cargo="${CARGO_HOME:-$HOME/.cargo}"
places=$(mktemp -d)
trap 'rm -rf "$places"' EXIT

# The lengths of the paths differ, since they may matter too.
for place in "$places/a" "$places/another/and/deeper"; do
  mkdir -p "$place/.cargo-home"
  git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -pt "$place"
  ln -s "$PWD/.tools" "$place/.tools"
  # What is downloaded already need not be again.
  for known in config.toml registry/index registry/cache; do
    if [ -e "$cargo/$known" ]; then
      (cd "$cargo" && cp -r --parents "$known" "$place/.cargo-home")
    fi
  done
  CARGO_HOME="$place/.cargo-home" make --directory "$place" package
done

cd "$places"
sha256sum a/dist/* another/and/deeper/dist/*
diff --recursive --brief a/dist another/and/deeper/dist

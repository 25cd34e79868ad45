#!/usr/bin/env bash
# Locks the Python tools: `lock_tools.sh UV`. For each requirements-*.in, writes beside it a .txt with what it takes in turn, each package
# with the SHA-256 of every file of its version, for Python 3.11 and newer on any platform. Versions that are locked already stay, unless the
# .in file asks for others.
set -euo pipefail
cd "$(dirname "$0")"

for wanted in requirements-*.in; do
  locked=${wanted%.in}.txt
  "$1" --quiet pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --output-file "$locked" "$wanted" >/dev/null
  sed -i "1i # Made from $wanted by \`make lock-tools\`." "$locked"
done

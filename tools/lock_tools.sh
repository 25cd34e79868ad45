#!/usr/bin/env bash
# Locks the Python tools: `lock_tools.sh UV`. For each requirements-*.in, writes a .txt beside it with all transitive dependencies, each package
# with the SHA-256 of every file of its version, for Python 3.11 and newer on any platform. Locked versions stay unless the .in file asks for
# others.
set -euo pipefail
cd "$(dirname "$0")"

for requirements in requirements-*.in; do
  locked=${requirements%.in}.txt
  "$1" --quiet pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --output-file "$locked" "$requirements" >/dev/null
  sed -i "1i # Made from $requirements by \`make lock-tools\`." "$locked"
done

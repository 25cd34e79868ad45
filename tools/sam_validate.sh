#!/usr/bin/env bash
# Checks that AWS SAM takes the template: `sam_validate.sh BIN`, with `sam` in BIN. Calls nobody: no account is needed.
set -euo pipefail

export SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=us-east-1
# Not .aws-sam: that is a person's own, who may be about to deploy it.
built=$(mktemp -d)
trap 'rm -rf "$built"' EXIT

# What is a warning today may be an error by the date: also after those from which Lambda creates and updates no functions on provided.al2.
for day in "$(date +%F)" 2027-02-02 2027-03-04; do
  "$1/python" tools/on_date.py "$day" "$1/sam" validate --lint
done
"$1/sam" build --build-dir "$built/build" --cache-dir "$built/cache"
cmp "$built/build/Provider/bootstrap" target/x86_64-unknown-linux-gnu/release/bootstrap
echo "sam build: made the executable that ships"

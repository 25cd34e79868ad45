#!/usr/bin/env bash
# Runs `sam validate` and `sam build` with template.yaml: `sam_validate.sh BIN`, with `sam` in BIN. Needs no AWS account.
set -euo pipefail

export SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=us-east-1
# Not .aws-sam, which a developer may be about to deploy.
built=$(mktemp -d)
trap 'rm -rf "$built"' EXIT

# cfn-lint turns warnings into errors by date: also validates after the dates from which Lambda creates and updates no functions on provided.al2.
for day in "$(date +%F)" 2027-02-02 2027-03-04; do
  "$1/python" tools/on_date.py "$day" "$1/sam" validate --lint
done
"$1/sam" build --build-dir "$built/build" --cache-dir "$built/cache"
cmp "$built/build/Provider/bootstrap" target/x86_64-unknown-linux-gnu/release/bootstrap
echo "sam build: the result is the release executable"

#!/usr/bin/env bash
# Publishes the application to the Serverless Application Repository, from $BUCKET. Prints the commands, and runs them only after confirmation
# (or with YES=1). `sam` is in the PATH.
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/steps.sh

steps() {
  run make dist/sar.yaml
  run sam package --template-file dist/sar.yaml --s3-bucket "${BUCKET:-BUCKET}" --output-template-file dist/packaged-sar.yaml
  run sam publish --template dist/packaged-sar.yaml
  [ -n "$confirmed" ] || [ -n "${BUCKET:-}" ] || stop 'BUCKET is not set, give a bucket that serverlessrepo.amazonaws.com can read: make publish BUCKET=my-bucket'
}

confirm_and_run "make publish: publishes the provider to the Serverless Application Repository"
echo "make publish: published" >&2

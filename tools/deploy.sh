#!/usr/bin/env bash
# Deploys the provider to AWS, from $BUCKET, as the stack $STACK, with $PARAMETERS (Name=value, with spaces between). Shows the commands,
# and runs them only if somebody agrees (or YES=1). What it does not name stays as it was deployed last, but for the runtime: it is
# provided.al2023 unless $PARAMETERS says otherwise, since Lambda creates no new functions on the template's default from 2027-02-01.
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/steps.sh

# A name alone: the bucket is spoken to over https.
if [[ -n ${BUCKET:-} && ! $BUCKET =~ ^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$ ]]; then
  echo "not the name of a bucket: got BUCKET=$BUCKET, give the name alone, as in make deploy BUCKET=my-bucket" >&2
  exit 1
fi

steps() {
  local sum
  run make package
  sum=$(take SHA256 cut -d ' ' -f 1 dist/bootstrap.zip.sha256)
  run aws s3 cp dist/bootstrap.zip "s3://${BUCKET:-BUCKET}/layer-permission-provider/$sum.zip"
  # shellcheck disable=SC2086 # many words
  run aws cloudformation deploy --template-file dist/packaged.yaml --stack-name "$STACK" --capabilities CAPABILITY_IAM \
    --no-fail-on-empty-changeset --parameter-overrides "CodeBucket=${BUCKET:-BUCKET}" Runtime=provided.al2023 ${PARAMETERS:-}
  run aws cloudformation describe-stacks --stack-name "$STACK" --query 'Stacks[0].Outputs[].[OutputKey,OutputValue]' --output text
  [ -n "$running" ] || [ -n "${BUCKET:-}" ] || stop 'there is no BUCKET, give one of the region to deploy to: make deploy BUCKET=my-bucket'
}

walk "make deploy: deploys the provider as the stack $STACK"
echo "make deploy: the stack $STACK is up to date" >&2

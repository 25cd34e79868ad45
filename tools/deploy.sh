#!/usr/bin/env bash
# Deploys the provider to AWS, from $BUCKET, as the stack $STACK, with $PARAMETERS (Name=value, separated by spaces). Prints the commands, and
# runs them only after confirmation (or with YES=1). Parameters that are not given keep their deployed values, except for the runtime: it is
# provided.al2023 unless $PARAMETERS says otherwise, because Lambda creates no new functions on the template's default from 2027-02-01, and for
# the architecture, which is that of the zip in $DIST.
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/steps.sh

# A bare name: the AWS CLI adds the scheme and the host.
if [[ -n ${BUCKET:-} && ! $BUCKET =~ ^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$ ]]; then
  echo "not a bucket name: got BUCKET=$BUCKET, give the bare name, as in make deploy BUCKET=my-bucket" >&2
  exit 1
fi

steps() {
  local sum
  run make package
  sum=$(capture SHA256 cut -d ' ' -f 1 "$DIST/bootstrap-$ARCH.zip.sha256")
  run aws s3 cp "$DIST/bootstrap-$ARCH.zip" "s3://${BUCKET:-BUCKET}/lambda-permission-provider/$sum.zip"
  # shellcheck disable=SC2086 # PARAMETERS is a list of words
  run aws cloudformation deploy --template-file "$DIST/packaged.yaml" --stack-name "$STACK" --capabilities CAPABILITY_IAM \
    --no-fail-on-empty-changeset --parameter-overrides "CodeBucket=${BUCKET:-BUCKET}" "Architecture=$ARCH" Runtime=provided.al2023 ${PARAMETERS:-}
  run aws cloudformation describe-stacks --stack-name "$STACK" --query 'Stacks[0].Outputs[].[OutputKey,OutputValue]' --output text
  [ -n "$confirmed" ] || [ -n "${BUCKET:-}" ] || stop 'BUCKET is not set, give a bucket in the region of the stack: make deploy BUCKET=my-bucket'
}

confirm_and_run "make deploy: deploys the provider as the stack $STACK"
echo "make deploy: the stack $STACK is up to date" >&2

#!/usr/bin/env bash
# Tests the provider on AWS: publishes a temporary layer, shares it with $ACCOUNT (default: the caller's account) in a stack, reads its policy,
# and deletes both. Prints the commands, and runs them only after confirmation (or with YES=1). Touches no other layer.
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/steps.sh

name=lambda-permission-provider-smoke-$$
work=$(mktemp -d)
version=
trap 'clean_up' EXIT

# Also runs after a failure half-way.
clean_up() {
  if [ -n "$confirmed" ] && [ -n "$version" ]; then
    echo "make smoke: failed; cleaning up" >&2
    run aws cloudformation delete-stack --stack-name "$name" || true
    run aws cloudformation wait stack-delete-complete --stack-name "$name" || true
    run aws lambda delete-layer-version --layer-name "$name" --version-number 1 || true
  fi
  rm -rf "$work"
}

read_policy() {
  capture POLICY aws lambda get-layer-version-policy --layer-name "$name" --version-number 1 --query Policy --output text
}

steps() {
  local account policy
  python3 -m zipfile -c "$work/layer.zip" LICENSE
  sed "s/lambda-permission-provider-ServiceToken/$FUNCTION-ServiceToken/" examples/share-with-an-account.yaml >"$work/share.yaml"
  account=${ACCOUNT:-$(capture ACCOUNT aws sts get-caller-identity --query Account --output text)}
  version=$(capture LAYER_VERSION aws lambda publish-layer-version --layer-name "$name" --zip-file "fileb://$work/layer.zip" \
    --query LayerVersionArn --output text)
  run aws cloudformation deploy --template-file "$work/share.yaml" --stack-name "$name" \
    --parameter-overrides "LayerVersionArn=$version" "Account=$account"
  policy=$(read_policy)
  [[ -z $confirmed || $policy == *"$account"* ]] || fail "$account may not use the layer: got the policy $policy"
  run aws cloudformation delete-stack --stack-name "$name"
  run aws cloudformation wait stack-delete-complete --stack-name "$name"
  if policy=$(read_policy 2>"$work/stderr") && [ -n "$confirmed" ]; then
    fail "the grant was not revoked: got the policy $policy"
  fi
  # The printed command, or why there is no policy.
  cat "$work/stderr" >&2
  [ -z "$confirmed" ] || grep -q ResourceNotFoundException "$work/stderr" || fail 'the policy could not be read'
  run aws lambda delete-layer-version --layer-name "$name" --version-number 1
  version=
}

fail() {
  echo "make smoke: $1" >&2
  exit 1
}

confirm_and_run "make smoke: shares a temporary layer through the function $FUNCTION, and revokes the grant"
echo "make smoke: passed; the grant was added and revoked, and the layer is deleted" >&2

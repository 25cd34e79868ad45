#!/usr/bin/env bash
# Tries the provider on AWS: publishes a throw-away layer, has a stack share it with $ACCOUNT (if not given, the account that it is in), reads its
# policy, and deletes both. Shows the commands, and runs them only if somebody agrees (or YES=1). Touches no other layer.
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/steps.sh

name=layer-permission-smoke-$$
work=$(mktemp -d)
version=
trap 'clean' EXIT

# Also when it failed half-way.
clean() {
  if [ -n "$running" ] && [ -n "$version" ]; then
    echo "make smoke: failed; removing what is left of it" >&2
    run aws cloudformation delete-stack --stack-name "$name" || true
    run aws cloudformation wait stack-delete-complete --stack-name "$name" || true
    run aws lambda delete-layer-version --layer-name "$name" --version-number 1 || true
  fi
  rm -rf "$work"
}

read_policy() {
  take POLICY aws lambda get-layer-version-policy --layer-name "$name" --version-number 1 --query Policy --output text
}

steps() {
  local account policy
  python3 -m zipfile -c "$work/layer.zip" LICENSE
  sed "s/layer-permission-provider-ServiceToken/$FUNCTION-ServiceToken/" examples/share-with-an-account.yaml >"$work/share.yaml"
  account=${ACCOUNT:-$(take ACCOUNT aws sts get-caller-identity --query Account --output text)}
  version=$(take LAYER_VERSION aws lambda publish-layer-version --layer-name "$name" --zip-file "fileb://$work/layer.zip" \
    --query LayerVersionArn --output text)
  run aws cloudformation deploy --template-file "$work/share.yaml" --stack-name "$name" \
    --parameter-overrides "LayerVersionArn=$version" "Account=$account"
  policy=$(read_policy)
  [[ -z $running || $policy == *"$account"* ]] || fail "$account may not use the layer: got the policy $policy"
  run aws cloudformation delete-stack --stack-name "$name"
  run aws cloudformation wait stack-delete-complete --stack-name "$name"
  if policy=$(read_policy 2>"$work/said") && [ -n "$running" ]; then
    fail "the grant was not revoked: got the policy $policy"
  fi
  # What was shown, or why there is none.
  cat "$work/said" >&2
  [ -z "$running" ] || grep -q ResourceNotFoundException "$work/said" || fail 'the policy could not be read'
  run aws lambda delete-layer-version --layer-name "$name" --version-number 1
  version=
}

fail() {
  echo "make smoke: $1" >&2
  exit 1
}

walk "make smoke: shares a throw-away layer by the function $FUNCTION, and takes it back"
echo "make smoke: granted, read and revoked; nothing is left" >&2

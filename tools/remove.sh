#!/usr/bin/env bash
# Deletes the provider from AWS: the stack $STACK. Prints the commands, and runs them only after confirmation (or with YES=1). Grants stay in
# place. Refuses while other stacks import the ServiceToken, because without the provider their grants could not be revoked.
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/steps.sh

steps() {
  local function importers
  function=$(capture FUNCTION aws cloudformation describe-stacks --stack-name "$STACK" \
    --query "Stacks[0].Outputs[?OutputKey=='FunctionName'].OutputValue" --output text)
  # list-imports fails for an export without imports.
  importers=$(capture '' aws cloudformation list-imports --export-name "$function-ServiceToken" --query 'join(`, `, Imports)' --output text) ||
    importers=
  [ -z "$importers" ] || stop "stacks use the provider: got $importers, delete them or move them to another provider first" 1
  run aws cloudformation delete-stack --stack-name "$STACK"
  run aws cloudformation wait stack-delete-complete --stack-name "$STACK"
}

confirm_and_run "make remove: deletes the provider, the stack $STACK"
echo "make remove: the stack $STACK is deleted" >&2

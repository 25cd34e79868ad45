#!/usr/bin/env bash
# Removes the provider from AWS: the stack $STACK. Shows the commands, and runs them only if somebody agrees (or YES=1). Leaves grants where
# they are, and refuses while other stacks import its ServiceToken: nobody would be there to take their grants away.
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/steps.sh

steps() {
  local function users
  function=$(take FUNCTION aws cloudformation describe-stacks --stack-name "$STACK" \
    --query "Stacks[0].Outputs[?OutputKey=='FunctionName'].OutputValue" --output text)
  # An export that nobody imports is an error to it.
  users=$(take '' aws cloudformation list-imports --export-name "$function-ServiceToken" --query 'join(`, `, Imports)' --output text) ||
    users=
  [ -z "$users" ] || stop "stacks use the provider: got $users, delete them or have them use another one first" 1
  run aws cloudformation delete-stack --stack-name "$STACK"
  run aws cloudformation wait stack-delete-complete --stack-name "$STACK"
}

walk "make remove: removes the provider, the stack $STACK"
echo "make remove: the stack $STACK is gone" >&2

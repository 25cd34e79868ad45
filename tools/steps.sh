# Prints the commands of a script on AWS, asks for confirmation, and only then runs them. To be sourced by a script that defines
# `steps` in terms of `run` and `capture`, and calls `confirm_and_run`.

confirmed=

# run COMMAND...: prints the command, and runs it once confirmed.
run() {
  local word shown=
  for word; do
    [[ $word =~ ^[[:alnum:]_./:=,@+-]+$ ]] || word="'${word//\'/\'\\\'\'}'"
    shown+=" $word"
  done
  echo "   $shown" >&2
  [ -z "$confirmed" ] || "$@"
}

# capture PLACEHOLDER COMMAND...: writes the output of the command to stdout, or PLACEHOLDER while commands are only printed.
capture() {
  run "${@:2}" || return
  [ -n "$confirmed" ] || echo "$1"
}

stop() {
  echo "Nothing was done: $1" >&2
  exit "${2:-0}"
}

# confirm_and_run TITLE
confirm_and_run() {
  local identity region answer
  region=${AWS_REGION:-${AWS_DEFAULT_REGION:-$(aws configure get region 2>/dev/null || true)}}
  echo "$1:" >&2
  steps
  command -v aws >/dev/null || stop 'the AWS CLI is not installed'
  identity=$(aws sts get-caller-identity --query Arn --output text 2>/dev/null) || stop 'the AWS CLI has no credentials'
  if [ "${YES:-}" != 1 ]; then
    [ -t 0 ] || stop 'stdin is not a terminal, set YES=1 to run these commands'
    read -r -p "Run these commands as $identity in ${region:-no region}? [y/N] " answer
    [[ $answer == [yY]* ]] || stop 'not confirmed'
  fi
  confirmed=1
  steps
}

# Walks through the commands of a script on AWS: shows them, asks, and runs them only then. To be sourced by a script that defines
# `steps` of `run` and `take`, and calls `walk`. Decides nothing of what they do.

running=

# run COMMAND...
run() {
  local word shown=
  for word; do
    [[ $word =~ ^[[:alnum:]_./:=,@+-]+$ ]] || word="'${word//\'/\'\\\'\'}'"
    shown+=" $word"
  done
  echo "   $shown" >&2
  [ -z "$running" ] || "$@"
}

# take NAME COMMAND...: prints what the command prints, and NAME in its place where it is only shown.
take() {
  run "${@:2}" || return
  [ -n "$running" ] || echo "$1"
}

stop() {
  echo "Nothing was done: $1" >&2
  exit "${2:-0}"
}

# walk TITLE
walk() {
  local who region answer
  region=${AWS_REGION:-${AWS_DEFAULT_REGION:-$(aws configure get region 2>/dev/null || true)}}
  echo "$1:" >&2
  steps
  command -v aws >/dev/null || stop 'there is no AWS CLI here'
  who=$(aws sts get-caller-identity --query Arn --output text 2>/dev/null) || stop 'the AWS CLI has no credentials'
  if [ "${YES:-}" != 1 ]; then
    [ -t 0 ] || stop 'nobody can be asked here, give YES=1 to run these commands'
    read -r -p "Run these commands as $who in ${region:-no region}? [y/N] " answer
    [[ $answer == [yY]* ]] || stop 'it was not wanted'
  fi
  running=1
  steps
}

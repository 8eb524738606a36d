#!/bin/bash
# A stand-in for `tofu` and `terraform`: reads a saved plan, pulls the state and applies the plan, with their messages and
# exit codes (machine-readable UI 1.2). Its plan file is text: `lineage:serial`, then the plan's JSON on one line, then one
# resource a line, as `address seconds`; `!address` fails. `action.…` is an action (Terraform 1.14): no state tells of it.
fail() { echo "stand-in: $*" >&2; exit 1; }
say() { printf '{"@level":"info","@message":"-","@module":"tofu.ui","@timestamp":"2026-09-21T10:00:00.000000Z",%s}\n' "$1"; }
error() {
  printf '{"@level":"error","@message":"Error: %s","@module":"tofu.ui","type":"diagnostic","diagnostic":{"severity":"error","summary":"%s","detail":"%s"}}\n' "$1" "$1" "${2:-}"
}

[[ "$1" == -chdir=* ]] || fail "no directory"
cd "${1#-chdir=}" || exit 1
shift
file="${*: -1}"
state() { cat terraform.tfstate 2>/dev/null; }
serial() { state | grep -o '"serial":[0-9]*' | grep -o '[0-9]*'; }
lineage() { state | grep -o '"lineage":"[^"]*"' | cut -d'"' -f4; }
save() { printf '{"version":4,"serial":%s,"lineage":"%s","resources":[],"outputs":{"password":{"value":"hunter2-of-the-state"}}}' "$(($(serial) + 1))" "$(lineage)" >terraform.tfstate; }

case "$1 $2" in
"state pull") [ -z "$STATE_KEY" ] || [ "$STATE_KEY" = "k3y-of-the-state" ] || fail "Failed to load state: access denied $STATE_KEY"; state; exit 0 ;;
"show -json") head -n 1 "$file" | grep -qE '^[0-9a-z-]+:[0-9]+$' || fail "Failed to read plan"; sed -n 2p "$file"; exit 0 ;;
"apply -json") ;;
*) fail "no such command: $*" ;;
esac
for one in "${@:3:$#-3}"; do [[ "$one" == -input=false || "$one" == -lock-timeout=* ]] || fail "flag provided but not defined: $one"; done

say '"type":"version","tofu":"1.10.0","ui":"1.2"'
if [ -e .terraform.tfstate.lock.info ]; then error "Error acquiring the state lock"; exit 1; fi
[ "$(head -n 1 "$file")" = "$(lineage):$(serial)" ] || { error "Saved plan is stale" "The given plan file can no longer be applied because the state was changed by another operation after the plan was created."; exit 1; }
stop=0
trap 'stop=1' INT
changed=0
while read -r address seconds; do
  [ "$stop" = 1 ] && { save; error "execution halted"; exit 1; }
  if [[ "${address#!}" == action.* ]]; then
    hook="\"hook\":{\"action\":{\"addr\":\"${address#!}\"}}"
    say "\"type\":\"action_start\",$hook"
    sleep "${seconds:-0}"
    echo "${address#!}" >>applied
    if [[ "$address" == !* ]]; then say "\"type\":\"action_errored\",$hook"; error "Error when invoking action"; exit 1; fi
    say "\"type\":\"action_complete\",$hook"
    continue
  fi
  say "\"type\":\"apply_start\",\"hook\":{\"resource\":{\"addr\":\"${address#!}\"},\"action\":\"update\"}"
  sleep "${seconds:-0}"
  if [[ "$address" == !* ]]; then
    say "\"type\":\"apply_errored\",\"hook\":{\"resource\":{\"addr\":\"${address#!}\"},\"action\":\"update\"}"
    save; error "creating resource" "quota, $STATE_KEY"; exit 1
  fi
  echo "$address" >>applied
  changed=$((changed + 1))
  say "\"type\":\"apply_complete\",\"hook\":{\"resource\":{\"addr\":\"$address\"},\"action\":\"update\"}"
done < <(tail -n +3 "$file")
save
say "\"type\":\"change_summary\",\"changes\":{\"add\":0,\"change\":$changed,\"import\":0,\"remove\":0,\"operation\":\"apply\"}"

#!/bin/sh
# Puts settings and the stand-ins' secrets into the data folder, unless it has settings, and runs the stand-ins.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
data=${HOLDPOINT_DATA:-.holdpoint}
node="$here/../../node_modules/node/bin/node"
node "$here/../../scripts/install-if-needed.mjs"
umask 077
if [ -e "$data/holdpoint.yaml" ]; then
  echo "$data/holdpoint.yaml is there already: left as it is"
else
  mkdir -p "$data/secrets/pagerduty" "$data/secrets/servicenow"
  printf '0123456789abcdef0123456789abcdef' > "$data/secrets/pagerduty/default"
  printf 'stand-in-password' > "$data/secrets/servicenow/password"
  cp "$here/holdpoint.yaml" "$data/holdpoint.yaml"
  echo "settings and secrets for the stand-ins are in $data; a running server reads them when it starts again"
fi
trap 'kill $pagerduty $servicenow 2>/dev/null' EXIT INT TERM
"$node" "$here/../stand-ins/pagerduty.ts" --port 4701 & pagerduty=$!
"$node" "$here/../stand-ins/servicenow.ts" --port 4702 & servicenow=$!
wait

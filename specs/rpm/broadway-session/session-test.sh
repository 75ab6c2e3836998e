#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Tests of the session with stand-ins for what it runs: sh session-test.sh PROGRAM
set -u
session=$(realpath "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/bin" "$work/run"
chmod 700 "$work/run"
failures=0

# A service that listens where the session looks for it.
for name in dbus-daemon broadwayd; do
  cat > "$work/bin/$name" <<SCRIPT
#!/usr/bin/env python3
import os, signal, socket, sys
print("$name starts", flush=True)
run = os.environ["XDG_RUNTIME_DIR"]
name = "/bus" if "$name" == "dbus-daemon" else "/broadway1.socket"
listener = socket.socket(socket.AF_UNIX)
listener.bind(run + name if name == "/bus" else "\0" + run + name)
listener.listen()
signal.pause()
SCRIPT
done
printf '#!/bin/sh\nprintf "panel %%s\\n" $$ >> "$WORK/panels"\nexec sleep 1000\n' > "$work/bin/panel"
printf '#!/bin/sh\nexit 3\n' > "$work/bin/crashing-panel"
printf '#!/bin/sh\ntrap "" TERM\nprintf "panel %%s\\n" $$ >> "$WORK/panels"\nwhile :; do sleep 0.1; done\n' > "$work/bin/stubborn-panel"
chmod +x "$work"/bin/*

start() {
  : > "$work/log"
  : > "$work/panels"
  env PATH="$work/bin:$PATH" WORK="$work" HOME="${home-$work}" XDG_RUNTIME_DIR="$work/run" \
    BROADWAY_PANEL="$1" "$session" > "$work/log" 2>&1 &
  pid=$!
}
expect() {
  what=$1
  shift
  tries=0
  until "$@"; do
    tries=$((tries + 1))
    if [ $tries -gt 60 ]; then
      echo "FAILED: $what"
      cat "$work/log"
      failures=$((failures + 1))
      return
    fi
    sleep 0.05
  done
  echo "ok: $what"
}
lines() { [ "$(wc -l < "$work/panels")" -ge "$1" ]; }
logged() { grep -q "$1" "$work/log"; }
ended_with() {
  wait "$pid"
  [ $? -eq "$1" ]
}

start panel
expect 'the panel starts when the bus and broadwayd are there' lines 1
kill -9 "$(sed -n '1s/panel //p' "$work/panels")"
expect 'a killed panel is started again' lines 2
expect 'and the log says so' logged 'panel was killed by signal 9'
kill -TERM "$pid"
expect 'SIGTERM ends it with code 0' ended_with 0
expect 'and the panel with it' sh -c "! kill -0 $(sed -n '2s/panel //p' "$work/panels") 2>/dev/null"

start crashing-panel
expect 'a panel that always crashes is given up, with code 1' ended_with 1
expect 'and the log says so' logged 'panel has crashed 6 times within 60 seconds; giving up'

start stubborn-panel
expect 'a panel that does not listen' lines 1
kill -TERM "$pid"
expect 'is killed in the end' ended_with 0

home=/nonexistent
start panel
expect 'without a home' lines 1
expect 'there is one beside the sockets' logged "the home folder is $work/run/home"
kill -INT "$pid"
expect 'SIGINT ends it as well' ended_with 0

exit "$((failures > 0))"

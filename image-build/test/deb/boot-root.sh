#!/bin/sh
# Boots a root file system of run.sh, in which the package is installed, in a container, and looks at the service as that
# release's systemd runs it: sh image-build/test/deb/boot-root.sh ROOT
# Prints `ok NAME` or `FAIL NAME` for each thing looked at; what systemd says goes to standard error.
set -u
root=$1
# systemd 256 and later take cgroups of version 2 alone.
SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 systemd-nspawn --quiet --register=no --keep-unit --private-network --directory="$root" \
  --machine=vigie-package-test /lib/systemd/systemd >&2 </dev/null &
container=$!
trap 'stop' EXIT
trap 'exit 130' INT TERM

stop() {
  inside systemctl poweroff >/dev/null 2>&1 || kill "$container" 2>/dev/null
  wait "$container"
}

inside() {
  nsenter -t "$leader" -a -- "$@"
}

# expect NAME COMMAND…: within two minutes.
expect() {
  name=$1 tries=60
  shift
  until "$@" >/dev/null 2>&1; do
    tries=$((tries - 1))
    if [ "$tries" = 0 ]; then
      echo "FAIL $name"
      inside systemctl status --no-pager --lines=12 vigie.service vigie-apply.service vigie-safe.service >&2
      return
    fi
    sleep 2
  done
  echo "ok $name"
}

booted() {
  leader=$(pgrep -P "$container") && inside test -S /run/systemd/private
}

property() {
  inside systemctl show "$1" -p "$2" --value
}

is() { [ "$(property "$1" "$2")" = "$3" ]; }
process_says() { inside grep -q "$1" "/proc/$(property vigie.service MainPID)/status"; }
nothing_failed() { [ -z "$(inside systemctl --failed --plain --no-legend 'vigie*')" ]; }
page_answers() {
  inside /usr/lib/vigie/bin/node -e 'fetch("http://127.0.0.1:8470/").then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))'
}

leader=
expect 'the container boots' booted
[ -n "$leader" ] || exit
inside systemctl --version >&2
expect 'the service is ready after a start of the system' is vigie.service ActiveState active
expect 'at its first start' is vigie.service NRestarts 0
expect 'and safe mode was not needed' is vigie-safe.service ActiveState inactive
expect 'it runs as its own user' is vigie.service User vigie
expect 'without any capability' process_says 'CapBnd:.0000000000000000'
expect 'with a filter of system calls' process_says 'Seccomp:.2'
expect 'its page answers' page_answers
expect 'no unit of ours has failed' nothing_failed
inside systemctl stop vigie.service
inside systemctl start vigie-safe.service
expect 'safe mode can run' is vigie-safe.service ActiveState active

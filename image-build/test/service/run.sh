#!/bin/sh
# The service under a real systemd: a container that boots Debian, with the units of this checkout and its build.
#   sudo sh image-build/test/service/run.sh [bookworm|trixie]
# What is checked: ready, sandboxed, credentials, devices opened by configuration, watchdog, restarts, safe mode and the
# way out of it, logs, support bundle. Takes two minutes once the root file system is there (build/service-test-SUITE).
set -eu
cd "$(dirname "$0")/../../.."
checkout=$PWD
suite=${1:-bookworm}
root=$checkout/build/service-test-$suite
port=18471
failed=0
passed=0

skip() {
  echo "skip: the service under systemd was not tested: $1"
  exit 0
}
[ "$(id -u)" = 0 ] || skip "root is needed for a container"
for program in systemd-nspawn mmdebstrap nsenter; do
  command -v "$program" >/dev/null || skip "there is no $program (apt-get install systemd-container mmdebstrap util-linux)"
done
[ -f dist/runtime/main.js ] && [ -f build/native/Release/vigie.node ] || skip "nothing is built: npm run setup"

make_root() {
  [ ! -f "$root/.made" ] || return 0
  rm -rf "$root"
  echo "making a root file system of $suite"
  mmdebstrap --quiet --variant=minbase --include=systemd,systemd-sysv,dbus,udev,systemd-timesyncd "$suite" "$root"
  touch "$root/.made"
}

# As the package installs them; the program is this checkout, which is mounted.
install_service() {
  units=$root/usr/lib/systemd/system
  rm -rf "$root/etc/systemd/system/vigie.service.d" "$root/var/lib/vigie" "$root/etc/vigie" "$root/etc/credstore/vigie"
  mkdir -p "$units/vigie.service.d" "$units/vigie-safe.service.d" "$root/usr/lib/vigie" "$root/etc/vigie" \
    "$root/etc/systemd/system/multi-user.target.wants" "$root/etc/credstore/vigie"
  cp systemd/*.service systemd/*.path "$units"
  cp systemd/vigie.service.d/10-sandbox.conf "$units/vigie.service.d/"
  cp -L systemd/vigie-safe.service.d/10-sandbox.conf "$units/vigie-safe.service.d/"
  cp systemd/sysusers.conf "$root/usr/lib/sysusers.d/vigie.conf"
  cp systemd/tmpfiles.conf "$root/usr/lib/tmpfiles.d/vigie.conf"
  ln -sfn /usr/lib/vigie/bin/vigie "$root/usr/bin/vigie"
  for unit in vigie.service vigie-apply.service vigie-apply.path; do
    ln -sfn "/usr/lib/systemd/system/$unit" "$root/etc/systemd/system/multi-user.target.wants/$unit"
  done
  # Libraries that the addon of this machine is linked to.
  for library in $(ldd build/native/Release/vigie.node | awk '/=> \// { print $3 }'); do
    folder=$root/usr/lib/$(basename "$(dirname "$library")")
    [ -e "$folder/$(basename "$library")" ] || cp -L "$library" "$folder/"
  done
  echo not-for-others >"$root/etc/credstore/vigie/broker"
  # A watchdog that is worth waiting for.
  mkdir -p "$root/etc/systemd/system/vigie.service.d"
  printf '[Service]\nWatchdogSec=8\n' >"$root/etc/systemd/system/vigie.service.d/99-test.conf"
  configure "http: { port: $port }"
}

configure() {
  printf 'node: { site: test, name: boxed }\n%s\n' "$1" >"$root/etc/vigie/vigie.yaml.new"
  mv "$root/etc/vigie/vigie.yaml.new" "$root/etc/vigie/vigie.yaml"
}

boot() {
  # systemd 256 and later take cgroups of version 2 alone.
  SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 systemd-nspawn --quiet --register=no --keep-unit --boot --directory="$root" --machine=vigie-service-test \
    --bind-ro="$checkout:/usr/lib/vigie" >build/service-test.log 2>&1 </dev/null &
  container=$!
  trap stop EXIT INT TERM
  for _ in $(seq 60); do
    leader=$(pgrep -P "$container" || true)
    if [ -n "$leader" ] && inside test -S /run/systemd/private 2>/dev/null; then return; fi
    sleep 1
  done
  echo "the container did not boot:"
  tail -20 build/service-test.log
  exit 1
}

stop() {
  inside systemctl poweroff >/dev/null 2>&1 || kill "$container" 2>/dev/null || true
  wait "$container" 2>/dev/null || true
}

inside() {
  nsenter -t "$leader" -a -- "$@"
}

property() {
  inside systemctl show "$1" -p "$2" --value
}

# check TITLE COMMAND …: within a minute.
check() {
  title=$1
  shift
  for _ in $(seq 60); do
    if "$@" >/dev/null 2>&1; then
      echo "ok    $title"
      passed=$((passed + 1))
      return
    fi
    sleep 1
  done
  echo "FAIL  $title: $*"
  inside systemctl status --no-pager --lines=5 vigie.service vigie-safe.service 2>&1 | cut -c1-200 || true
  failed=$((failed + 1))
}

is() { [ "$(property "$1" "$2")" = "$3" ]; }
says() { property "$1" StatusText | grep -q "$2"; }
dropped_in() { grep -q "$1" "$root/etc/systemd/system/vigie.service.d/50-node.conf"; }

make_root
install_service
boot

check 'the node is ready, and says why it reads nothing' is vigie.service ActiveState active
check 'it says so in one line' says vigie.service 'no sources\|0 tags'
check 'it runs as its own user' is vigie.service User vigie
inside sh -c 'grep -E "^(CapBnd|CapEff|NoNewPrivs|Seccomp):" "/proc/$(systemctl show vigie -p MainPID --value)/status"' >build/service-test.status
check 'without any capability' grep -q 'CapBnd:.0000000000000000' build/service-test.status
check 'with no way to new privileges' grep -q 'NoNewPrivs:.1' build/service-test.status
check 'with a filter of system calls' grep -q 'Seccomp:.2' build/service-test.status
check 'the whole folder of credentials is its' inside test -s /run/credentials/vigie.service/vigie_broker
check 'no unit has failed' inside sh -c '[ -z "$(systemctl --failed --plain --no-legend)" ]'

configure "http: { port: $port }
sources: [{ type: modbus, name: line, serial: { path: /dev/ttyUSB0 }, units: [{ id: 1, tags: [{ name: level, address: 0 }] }] }]"
check 'a serial port in the configuration opens its kind of device' dropped_in 'DeviceAllow=char-ttyUSB rw'
check 'the node runs with it' sh -c "nsenter -t $leader -a -- systemctl show vigie -p DeviceAllow | grep -q ttyUSB"
check 'a sensor that is not there is stated' says vigie.service 'no serial port at /dev/ttyUSB0'

pid=$(property vigie.service MainPID)
inside sh -c "kill -STOP $pid"
check 'a node that hangs is ended by the watchdog and started again' sh -c "[ \"\$(nsenter -t $leader -a -- systemctl show vigie -p MainPID --value)\" != $pid ]"
check 'how it ended is kept' inside grep -q '^watchdog' /run/vigie/last-end
check 'and it is ready again' is vigie.service ActiveState active
check 'without safe mode, which waits for its turn' is vigie-safe.service ActiveState inactive

for _ in 1 2 3 4 5 6; do
  inside systemctl kill --kill-whom=main --signal=KILL vigie.service 2>/dev/null || true
  sleep 7
done
check 'a node that does not stay up ends in safe mode' is vigie-safe.service ActiveState active
check 'which says why' says vigie-safe.service 'SAFE MODE.*KILL'
check 'and serves its page' sh -c "nsenter -t $leader -a -- vigie logs --lines 50 | grep -q 'dashboard at http://127.0.0.1:$port'"
configure "http: { port: $port }"
check 'a changed configuration ends safe mode' is vigie.service ActiveState active
check 'which is over then' is vigie-safe.service ActiveState inactive

inside sh -c 'rm -f /var/lib/vigie/vigie.last-known-good.yaml /var/lib/vigie/vigie.checked.json; echo "node: 7" >/etc/vigie/vigie.yaml; systemctl restart vigie' 2>/dev/null || true
check 'a configuration that cannot run goes there at once' is vigie-safe.service ActiveState active
check 'with its line' says vigie-safe.service 'vigie.yaml:1:7'
check 'without being tried again and again' is vigie.service NRestarts 0
configure "http: { port: $port }"
inside systemctl restart vigie
check 'an operator starts the node again by restart alone' is vigie.service ActiveState active

mv "$root/etc/credstore/vigie" "$root/etc/credstore/away"
inside systemctl restart vigie
check 'a missing folder of credentials stops nothing' is vigie.service ActiveState active
mv "$root/etc/credstore/away" "$root/etc/credstore/vigie"

check 'vigie logs reads the journal' sh -c "nsenter -t $leader -a -- vigie logs --event safe-mode | grep -q 'SAFE MODE'"
inside vigie diag --output /tmp/diag.tar.gz >/dev/null
check 'vigie diag packs the log' inside sh -c 'tar xzOf /tmp/diag.tar.gz --wildcards "*/logs/service.jsonl" | grep -q "service.ready"'
check 'and no credential' inside sh -c '! tar xzOf /tmp/diag.tar.gz | grep -q not-for-others'

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]

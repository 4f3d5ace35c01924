#!/bin/sh
# Runs inside the root file system that run.sh prepares; prints `ok NAME` or `FAIL NAME` for each thing looked at.
set -u
cd /
export PYTHONDONTWRITEBYTECODE=1

# expect NAME COMMAND…: the command succeeds.
expect() {
  name=$1
  shift
  echo "== $name: $*" >&2
  if "$@" >&2; then echo "ok $name"; else echo "FAIL $name"; fi
}

apt() {
  apt-get -q -y --no-install-recommends --allow-downgrades -o Dpkg::Options::=--force-confdef "$@" </dev/null
}

says() {
  text=$1
  shift
  output=$("$@" 2>&1)
  echo "$output" >&2
  echo "$output" | grep -q -- "$text"
}

as_node() {
  setpriv --reuid=vigie --regid=vigie --init-groups env HOME=/var/lib/vigie "$@"
}

absent() {
  [ ! -e "$1" ]
}

waits() {
  tries=$1
  shift
  while [ "$tries" -gt 0 ]; do
    if "$@"; then return 0; fi
    sleep 1
    tries=$((tries - 1))
  done
  return 1
}

install_and_look() {
  expect 'installs' apt install /packages/vigie.deb
  version=$(dpkg-query -W -f '${Version}' vigie)
  expect 'vigie --version' says "$(echo "$version" | tr '~' '-')" vigie --version
  expect 'vigie --help' says 'vigie check' vigie --help
  expect 'the default configuration is valid' vigie check /etc/vigie/vigie.yaml
  # No broker answers here, so doctor fails as a whole.
  vigie doctor --json >/tmp/doctor.json 2>&1
  expect 'vigie doctor finds the addon' says '"check":"[a-z ]*addon","state":"ok"' cat /tmp/doctor.json
  expect 'no library is missing' no_library_missing
  expect 'the service is enabled' [ -L /etc/systemd/system/multi-user.target.wants/vigie.service ]
  expect 'the user is there' id vigie
  expect 'the node may write its configuration' as_node sh -c ': >>/etc/vigie/vigie.yaml'
  expect 'and nobody else reads it' [ "$(stat -c %a:%U:%G /etc/vigie/vigie.yaml)" = 640:vigie:vigie ]
  expect 'a plan runs on XNNPACK' plan_runs
}

no_library_missing() {
  ! find /usr/lib/vigie \( -name '*.node' -o -name '*.so*' \) -exec ldd {} + 2>&1 | grep -E 'not found'
}

plan_runs() {
  echo '[[10, 20, 30, 40]]' >/tmp/x.json
  vigie model run /packages/add.xnn /tmp/x.json --json >/tmp/result 2>&1
  cat /tmp/result >&2
  grep -q '"backend":"xnnpack"' /tmp/result && grep -Eq '11, ?22, ?33, ?44' /tmp/result
}

# The service's own command, as its user, on a simulated plant.
polls_a_plant() {
  {
    printf 'node: { site: test, name: plant }\nmqtt: { url: "mqtt://127.0.0.1:1" }\nhttp: { port: 18470 }\n'
    vigie simulate plant --port 11502 --period 1s --print-config
  } >/tmp/plant.yaml
  expect 'the configuration of the plant is valid' vigie check /tmp/plant.yaml
  vigie simulate plant --port 11502 >&2 &
  install -d -o vigie -g vigie /var/lib/vigie
  command=$(sed -n 's/^ExecStart=//p' /usr/lib/systemd/system/vigie.service)
  # shellcheck disable=SC2086 # The unit's own words.
  as_node $command --config /tmp/plant.yaml >/tmp/node.log 2>&1 &
  expect 'the service polls a Modbus plant' waits 120 polled
  expect 'its state is in /var/lib/vigie' waits 30 [ -e /var/lib/vigie/outbox.db ]
  pkill -TERM -u vigie
  expect 'and it stops on request' waits 60 stopped
  cat /tmp/node.log >&2
}

# The only program here that can ask over HTTP is Node.js.
polled() {
  /usr/lib/vigie/bin/node -e '
    fetch("http://127.0.0.1:18470/metrics").then((r) => r.text()).then((text) => {
      const good = text.split("\n").filter((line) => /^vigie_.*sample.*\} [1-9]/.test(line));
      console.error(good.slice(0, 3).join("\n"));
      process.exit(good.length > 0 ? 0 : 1);
    }).catch(() => process.exit(1));'
}

stopped() {
  ! pgrep -u vigie >/dev/null
}

keeps_state() {
  echo mine >/var/lib/vigie/keep
  echo '# a line of mine' >>/etc/vigie/vigie.yaml
  expect 'installs again' apt install --reinstall /packages/vigie.deb
  expect 'upgrades' apt install /packages/newer.deb
  expect 'state and configuration outlive an upgrade' mine_are_there
  expect 'downgrades' apt install /packages/older.deb
  expect 'state and configuration outlive a downgrade' mine_are_there
  expect 'the owner of the configuration stays' [ "$(stat -c %U /etc/vigie/vigie.yaml)" = vigie ]
  expect 'is removed' apt remove vigie
  expect 'state and configuration outlive removal' mine_are_there
  expect 'the program is gone' absent /usr/lib/vigie
  expect 'installs over what was left' apt install /packages/vigie.deb
  expect 'which is still there' mine_are_there
}

mine_are_there() {
  grep -q mine /var/lib/vigie/keep && grep -q 'a line of mine' /etc/vigie/vigie.yaml
}

adds_packages() {
  expect 'ONNX Runtime installs' apt install /packages/vigie-onnxruntime.deb
  expect 'and runs a model' says '"backend":"onnxruntime".*"outputs"' \
    vigie model run /usr/lib/vigie/examples/ota/score-1.onnx /tmp/row.json --backend onnxruntime --json
  expect 'cameras install' apt install /packages/vigie-camera.deb
  vigie doctor --json >/tmp/doctor.json 2>&1
  expect 'vigie doctor finds GStreamer' says '"check":"[^"]*camera[^"]*","state":"ok"' cat /tmp/doctor.json
  expect 'no library is missing with all packages' no_library_missing
}

purges() {
  apt purge vigie vigie-camera vigie-onnxruntime >&2
  expect 'nothing is left of state' absent /var/lib/vigie
  expect 'nor of configuration' absent /etc/vigie
  expect 'nor of units' absent /etc/systemd/system/multi-user.target.wants/vigie.service
  expect 'nor of the program' absent /usr/lib/vigie
}

echo '[[1, 2]]' >/tmp/row.json
install_and_look
polls_a_plant
keeps_state
adds_packages
purges

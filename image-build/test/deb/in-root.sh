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
  [ ! -e "$1" ] && [ ! -L "$1" ]
}

refuses() {
  ! "$@"
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

# Our libcpuinfo needs glibc 2.34; before, the addon does without it.
no_library_missing() {
  ! find /usr/lib/vigie \( -name '*.node' -o -name '*.so*' \) -exec ldd {} + 2>&1 | grep 'not found' | grep -v "GLIBC_2.34' not found.*/libcpuinfo.so.0"
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

# Nobody has changed the configuration yet: the package's own takes its place, without a question.
upgrades_what_nobody_changed() {
  expect 'upgrades and asks nothing' dpkg --install /packages/newer.deb
  expect 'a configuration that nobody changed is the new one' grep -q '^# newer' "$config"
  expect 'and still the node'\''s own' [ "$(stat -c %a:%U:%G "$config")" = 640:vigie:vigie ]
  expect 'downgrades and asks nothing' apt install /packages/vigie.deb
  expect 'to the configuration of that version' says_not '^# newer' "$config"
  systemctl disable vigie.service >&2
  expect 'upgrades with the service off' apt install /packages/newer.deb
  expect 'which stays off' absent /etc/systemd/system/multi-user.target.wants/vigie.service
  systemctl enable vigie.service >&2
}

keeps_state() {
  expect 'installs an older version' apt install /packages/older.deb
  leave_state
  expect 'installs again' apt install --reinstall /packages/older.deb
  expect 'state and configuration outlive that' mine_are_there
  expect 'upgrades' apt install /packages/vigie.deb
  expect 'state and configuration outlive an upgrade' mine_are_there
  expect 'the configuration of the package lies beside' says_not 'a line of mine' "$config.dpkg-dist"
  expect 'downgrades' apt install /packages/older.deb
  expect 'state and configuration outlive a downgrade' mine_are_there
  expect 'the owner of the configuration stays' [ "$(stat -c %a:%U "$config")" = 640:vigie ]
  expect 'is removed' apt remove vigie
  expect 'state and configuration outlive removal' mine_are_there
  expect 'the program is gone' absent /usr/lib/vigie
  expect 'so are its units' absent /usr/lib/systemd/system/vigie.service
  expect 'installs over what was left' apt install /packages/vigie.deb
  expect 'which is still there' mine_are_there
  expect 'the service is enabled again' [ -L /etc/systemd/system/multi-user.target.wants/vigie.service ]
  expect 'takes the configuration of the package on request' \
    apt-get -q -y -o Dpkg::Options::=--force-confnew install /packages/newer.deb
  expect 'and keeps mine beside it' grep -q 'a line of mine' "$config.dpkg-old"
  rm "$config"
  expect 'upgrades where the configuration was deleted' apt install --allow-downgrades /packages/vigie.deb
  expect 'and does not bring it back' absent "$config"
  expect 'brings it back on request' apt -o Dpkg::Options::=--force-confmiss install --reinstall /packages/vigie.deb
  expect 'as the node'\''s own' [ "$(stat -c %a:%U:%G "$config")" = 640:vigie:vigie ]
}

# As a node and its administrator do.
leave_state() {
  echo '# a line of mine' >>"$config"
  install -d -o vigie -g vigie -m 0700 /var/lib/vigie /var/cache/vigie/engines /var/lib/vigie/models
  for folder in /var/lib/vigie /var/lib/vigie/models /var/cache/vigie/engines; do echo mine >"$folder/keep"; done
  install -d -m 0700 /etc/credstore/vigie /etc/systemd/system/vigie.service.d
  echo mine >/etc/credstore/vigie/broker
  for name in 50-node.conf 90-mine.conf; do printf '[Service]\nNice=1\n' >/etc/systemd/system/vigie.service.d/$name; done
}

mine_are_there() {
  for folder in /var/lib/vigie /var/lib/vigie/models /var/cache/vigie/engines; do
    grep -q mine "$folder/keep" || return
  done
  grep -q mine /etc/credstore/vigie/broker && grep -q 'a line of mine' "$config"
}

says_not() {
  [ -e "$2" ] && ! grep -q -- "$1" "$2"
}

adds_packages() {
  expect 'ONNX Runtime installs' apt install /packages/vigie-onnxruntime.deb
  expect 'and runs a model' says '"backend":"onnxruntime".*"outputs"' \
    vigie model run /usr/lib/vigie/examples/ota/score-1.onnx /tmp/row.json --backend onnxruntime --json
  expect 'cameras install' apt install /packages/vigie-camera.deb
  vigie doctor --json >/tmp/doctor.json 2>&1
  expect 'vigie doctor finds GStreamer' says '"check":"[^"]*camera[^"]*","state":"ok"' cat /tmp/doctor.json
  expect 'no library is missing with all packages' no_library_missing
  expect 'a node is not upgraded without its cameras' refuses apt install --no-remove /packages/newer.deb
}

purges() {
  leave_state
  echo mine >/etc/vigie/notes
  expect 'cameras go alone' apt purge vigie-camera
  expect 'and leave the node' vigie --version
  expect 'is purged with what needs it' apt purge vigie
  for path in /var/lib/vigie /var/cache/vigie /var/log/vigie "$config" "$config.dpkg-dist" "$config.dpkg-old" \
    /etc/credstore/vigie /etc/systemd/system/vigie.service.d/50-node.conf \
    /etc/systemd/system/multi-user.target.wants/vigie.service /usr/lib/vigie /usr/bin/vigie \
    /usr/share/doc/vigie /usr/share/doc/vigie-onnxruntime; do
    expect "$path is gone" absent "$path"
  done
  expect 'what others put beside it stays' grep -q mine /etc/vigie/notes
  expect 'so do their settings of the unit' [ -e /etc/systemd/system/vigie.service.d/90-mine.conf ]
  expect 'no number of a user can pass to another' id vigie
  expect 'dpkg knows none of the packages' [ -z "$(dpkg-query -W -f '${Status}\n' 'vigie*' 2>/dev/null | grep -v 'unknown ok')" ]
  rm -r /etc/vigie /etc/systemd/system/vigie.service.d
  find / -xdev -name '*vigie*' ! -path '/packages/*' ! -path '/tmp/*' ! -path '/var/log/*' >/tmp/left
  expect 'nothing else has its name' says_nothing /tmp/left
  expect 'installs after all that' apt install /packages/vigie.deb
  expect 'as the first time' [ "$(stat -c %a:%U:%G "$config")" = 640:vigie:vigie ]
  apt remove vigie >&2
  expect 'and is purged when it was removed before' dpkg --purge vigie
  expect 'without a rest' absent /etc/vigie
}

says_nothing() {
  cat "$1"
  [ ! -s "$1" ]
}

config=/etc/vigie/vigie.yaml
echo '[[1, 2]]' >/tmp/row.json
install_and_look
polls_a_plant
upgrades_what_nobody_changed
keeps_state
adds_packages
purges

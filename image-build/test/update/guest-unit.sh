#!/bin/sh
# Runs in an image under test, as a service: updates the system twice, and says over the serial line what became of it.
# First a good update, then one whose node is stopped while it is on trial. Lines that begin with VIGIE are read outside.
say() { echo "VIGIE $*" >/dev/console; }
field() { echo "$status" | sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }
look() { status=$(vigie system status --json 2>&1); }

answers() {
  for _ in $(seq 120); do
    [ ! -S /var/lib/vigie/control.sock ] || return 0
    sleep 5
  done
  say 'cannot go on: the node never came up'
}

look
say "up slot=$(sed -n 's/.*rauc\.slot=\([AB]\).*/\1/p' /proc/cmdline) standing=$(field standing) failed=$(systemctl --failed --plain --no-legend | wc -l)"
step=$(cat /data/test-step 2>/dev/null || echo 0)
if [ "$(field standing)" = on-trial ]; then
  if [ "$step" = 2 ]; then
    say 'stops the node'
    systemctl mask --runtime --now vigie.service vigie-safe.service
  fi
  until look && [ "$(field standing)" = stable ]; do sleep 5; done
  say "kept $(field booted)"
fi
if [ "$step" = 2 ]; then
  say "last $(field outcome) $(field reason)"
  exit
fi
answers
echo $((step + 1)) >/data/test-step
sync
mkdir -p /run/bundles
mount -o ro /dev/vdb /run/bundles
say 'installs'
vigie system install /run/bundles/*.raucb --restart >/run/install.log 2>&1 || {
  say "cannot go on: $(tail -n 3 /run/install.log | tr '\n' ' ')"
  journalctl -u rauc -n 20 --no-pager >/dev/console
}

#!/bin/sh
# Ends real installations by RAUC at random moments, without a virtual machine.
set -eu
cd "$(dirname "$0")/../../.."

usage() {
  cat <<END
Usage: image-build/test/update/killed.sh [--cuts N] [--seed N]

As root: files stand for the slots, RAUC writes them, 'vigie system' is its boot chooser. RAUC's service and 'vigie system
install' are killed at N random moments (default 20). What GRUB would start then has to be one version, root and boot slot
alike, and the next installation has to go through. Takes seconds a cut, where interruptions.sh takes minutes; but a kill
loses nothing that was written and not yet flushed, as a power cut does, and no boot loader runs.

Exit status: 0 passed, 1 failed, 2 not understood; 0 with a line that begins 'skip:' where it cannot run.
END
}

for argument; do
  case $argument in --help | -h) usage; exit 0 ;; esac
done
[ "$(id -u)" = 0 ] || { echo 'skip: killing installations by RAUC needs root, to mount bundles'; exit 0; }
for tool in rauc:rauc mksquashfs:squashfs-tools dbus-daemon:dbus-daemon openssl:openssl; do
  command -v "${tool%%:*}" >/dev/null || { echo "skip: this test needs ${tool%%:*}: apt-get install ${tool#*:}"; exit 0; }
done
# Mounts of killed installations are gone with the name space.
exec unshare --mount --propagation private bin/node image-build/test/update/killed.ts "$@"

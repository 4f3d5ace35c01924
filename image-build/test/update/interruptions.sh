#!/bin/sh
# Takes the power from a system update at random moments.
set -eu
cd "$(dirname "$0")/../../.."

usage() {
  cat <<END
Usage: image-build/test/update/interruptions.sh [--cuts N] [--seed N] [--keep]

Builds a small guest that updates itself for ever (GRUB, RAUC, 'vigie system', the partitions of an image; Debian's kernel,
no systemd), lets it run through one update, then kills QEMU at N random moments (default 20) of the updates that follow.
After each it has to start, and what starts has to be whole: root, kernel and content of one version. At the end it has
to go through one more update. Every third version does badly on trial and is given up.

A killed QEMU leaves what the guest has handed to its disk, and nothing of what it still held in memory.

  --cuts N   how often the power goes
  --seed N   the same moments again (they are in ms after a start; the guest is not as fast every time)
  --keep     go on with the guest built before

Takes about two minutes to build and one minute a cut on a quiet machine of two cores. Exit status: 0 passed, 1 failed,
2 not understood; 0 with a line that begins 'skip:' where a program is missing.
END
}

for argument; do
  case $argument in --help | -h) usage; exit 0 ;; esac
done
for tool in qemu-system-x86_64:qemu-system-x86 mmdebstrap:mmdebstrap rauc:rauc mksquashfs:squashfs-tools mcopy:mtools \
  mkfs.vfat:dosfstools grub-mkimage:grub-common sfdisk:fdisk; do
  PATH=$PATH:/usr/sbin:/sbin command -v "${tool%%:*}" >/dev/null || {
    echo "skip: the test of interrupted updates needs ${tool%%:*}: apt-get install ${tool#*:}"
    exit 0
  }
done
[ -f /usr/share/OVMF/OVMF_CODE_4M.fd ] || { echo 'skip: there is no firmware for the guest: apt-get install ovmf'; exit 0; }
[ -d dist ] || npm run --silent build:ts
case " $* " in
  *' --keep '*) ;;
  *) sh image-build/test/update/guest.sh build/image/update-test ;;
esac
exec bin/node image-build/test/update/interruptions.ts "$@"

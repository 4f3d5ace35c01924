#!/bin/sh
# Boots an image under QEMU and tests it from outside.
set -eu
cd "$(dirname "$0")/../.."

usage() {
  cat <<END
Usage: image-build/test/boot.sh TARGET [STEP …]

Writes the newest image of build/images to a virtual card, puts a vigie.yaml on it as a person would, boots it in QEMU
without hardware help, and watches it from outside: a plant behind Modbus TCP, a broker and a model repository on this
machine's loopback. A Raspberry Pi's image starts with its own kernel, on a machine that is not a Pi.

Steps, in this order (start always; default: those marked *):
  start *      first start: taken over, READY, nothing failed, read-only root, data grown, no way in
  readings *   127 sensors reach the broker; memory
  anomaly *    a sensor dies in the plant; an explained event arrives (learned for two minutes before)
  writes       bytes on the data partition, watched for 75 minutes
  model *      a signed model comes over the broker and serves
  power-cut *  power goes while the next one is on trial: the one before serves again
  disk-full *  the data partition is full: the node says so, and goes on when there is room
  camera       a camera that the kernel makes up, where the image has cameras
  twin *       a second card from the same image, in a machine whose clock says 1970: nothing of it is the first one's
  broken *     a vigie.yaml with a mistake: the node goes on, the card says where
  no-data *    the data partition is gone: the node starts, console and card say so

Exit status: 0 passed, 1 failed, 2 not understood; 0 with a line that begins 'skip:' where this machine lacks QEMU.
END
}

case ${1:-} in
  '' | --help | -h) usage; [ -n "${1:-}" ]; exit ;;
esac
target=$1
shift
conf=image-build/targets/$target.conf
[ -f "$conf" ] || {
  echo "boot: there is no target '$target'; there are: $(ls image-build/targets | sed -n 's/\.conf$//p' | paste -sd' ')" >&2
  exit 2
}
case $(sed -n 's/^arch=//p' "$conf") in
  arm64) program=qemu-system-aarch64 packages='qemu-system-arm qemu-efi-aarch64' ;;
  amd64) program=qemu-system-x86_64 packages='qemu-system-x86 ovmf' ;;
esac
for tool in "$program:$packages" mcopy:mtools zstd:zstd sfdisk:fdisk mosquitto:mosquitto; do
  PATH=$PATH:/usr/sbin:/sbin command -v "${tool%%:*}" >/dev/null || {
    echo "skip: the boot test of $target needs ${tool%%:*}: apt-get install ${tool#*:}"
    exit 0
  }
done
[ $# -gt 0 ] || set -- readings anomaly model power-cut disk-full twin broken no-data
PATH=$PATH:/usr/sbin:/sbin exec bin/node image-build/test/boot.ts "$target" "$@"

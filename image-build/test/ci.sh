#!/bin/sh
# What continuous integration does with images: builds generic-arm64 from packages of this checkout and boots it, where
# the machine has what that takes and Debian's part is cached (VIGIE_CACHE, or build/cache). Else it says what is missing
# and passes: making that part under emulation takes longer than everything else together.
#   sh image-build/test/ci.sh [STEP …]      steps of boot.sh; default: start readings model
set -eu
cd "$(dirname "$0")/../.."
cache=${VIGIE_CACHE:-build/cache}
[ $# -gt 0 ] || set -- start readings model
ls "$cache"/root-generic-arm64-*.tar.zst >/dev/null 2>&1 || {
  echo "skip: $cache has no root of generic-arm64; image-build/build.sh generic-arm64 makes it"
  exit 0
}
command -v qemu-system-aarch64 >/dev/null || {
  echo "skip: booting images needs QEMU: apt-get install qemu-system-arm qemu-efi-aarch64"
  exit 0
}
sh image-build/deb/build.sh arm64
sh image-build/build.sh generic-arm64 --fast
sh image-build/test/boot.sh generic-arm64 "$@"

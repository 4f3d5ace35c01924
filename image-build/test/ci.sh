#!/bin/sh
# What continuous integration does with images: builds one from packages of this checkout and boots it. generic-arm64
# where Debian's part of it is cached (VIGIE_CACHE, or build/cache), since making that under emulation takes longer than
# everything else together; else generic-amd64 from nothing. Where the machine lacks what that takes, it says so and passes.
#   sh image-build/test/ci.sh [STEP …]      steps of boot.sh; default: start readings anomaly model power-cut
set -eu
cd "$(dirname "$0")/../.."
cache=${VIGIE_CACHE:-build/cache}
[ $# -gt 0 ] || set -- start readings anomaly model power-cut
PATH=$PATH:/usr/sbin:/sbin

arch=amd64 programs='qemu-system-x86_64:qemu-system-x86 grub-mkimage:grub-common' firmware=/usr/share/OVMF/OVMF_CODE.fd:ovmf
if ls "$cache"/root-generic-arm64-*.tar.zst >/dev/null 2>&1; then
  arch=arm64 programs='qemu-system-aarch64:qemu-system-arm aarch64-linux-gnu-g++:g++-aarch64-linux-gnu'
  firmware=/usr/share/qemu-efi-aarch64/QEMU_EFI.fd:qemu-efi-aarch64
fi
missing=
for program in $programs dh:debhelper mmdebstrap:mmdebstrap mksquashfs:squashfs-tools mke2fs:e2fsprogs mkfs.vfat:dosfstools \
  mcopy:mtools sfdisk:fdisk zstd:zstd pkg-config:pkgconf; do
  command -v "${program%%:*}" >/dev/null || missing="$missing ${program#*:}"
done
[ -f "${firmware%%:*}" ] || missing="$missing ${firmware#*:}"
[ -z "$missing" ] || { echo "skip: no image was built and booted: apt-get install$missing"; exit 0; }
[ "$(dpkg --print-architecture)" = amd64 ] || { echo 'skip: no image was built and booted: that is done on amd64'; exit 0; }

unshare --mount --pid --fork --mount-proc true 2>/dev/null || {
  echo 'skip: no image was built and booted: that takes root, and a machine that lets it mount'
  exit 0
}
# Those that the test of packages just made will do.
deb=$(ls -t build/deb/vigie_*_"$arch".deb 2>/dev/null | head -n 1)
changed=$(git ls-files -z | xargs -0 sh -c 'find "$@" -newer "$0"' "${deb:-/}" | head -n 1)
[ -n "$deb" ] && [ -z "$changed" ] || sh image-build/deb/build.sh "$arch"
sh image-build/build.sh "generic-$arch" --fast
sh image-build/test/boot.sh "generic-$arch" "$@"

#!/bin/sh
# Makes the cached part of a root file system: Debian's packages, without anything of ours.
# Called by build.sh with: TITLE arch packages boot_packages backports mirror security_mirror here cache
set -eu

suite=trixie
components='main non-free-firmware'

main() {
  work=$(mktemp -d "$cache/making.XXXXXX")
  # dpkg waits for the disk a thousand times; in memory it waits for nothing. In MB, of 307 packages and some more.
  if [ "$(memory_left)" -gt 6000 ]; then TMPDIR=/dev/shm; else TMPDIR=$work; fi
  export TMPDIR
  trap 'rm -rf "$work"' EXIT
  sources >"$work/sources.list"
  # assemble.sh makes an initramfs of few modules; the kernel's package would take minutes under emulation for one of all.
  export INITRD=No
  mmdebstrap --arch="$arch" --variant=essential --include="$packages" \
    --dpkgopt=force-unsafe-io --dpkgopt=force-confold --aptopt='APT::Install-Recommends "false"' --aptopt='Acquire::Retries "5"' \
    --dpkgopt=path-exclude=/usr/share/doc/* --dpkgopt=path-include=/usr/share/doc/*/copyright \
    --dpkgopt=path-exclude=/usr/share/man/* --dpkgopt=path-exclude=/usr/share/info/* \
    --dpkgopt=path-exclude=/usr/share/locale/* --dpkgopt=path-exclude=/usr/share/lintian/* \
    --essential-hook='mkdir -p "$1/etc/initramfs-tools"' \
    --essential-hook='echo "update_initramfs=no" >"$1/etc/initramfs-tools/update-initramfs.conf"' \
    --essential-hook="sh '$here/rootfs/native-dpkg-deb.sh' \"\$1\" on" \
    --customize-hook="sh '$here/rootfs/native-dpkg-deb.sh' \"\$1\" off" \
    --customize-hook="sh '$here/rootfs/boot-files.sh' \"\$1\" $boot_packages" \
    --skip=output/dev \
    "$suite" "$work/root.tar" "$work/sources.list"
  zstd -q -T0 -3 "$work/root.tar" -o "$work/root.tar.zst"
  mv "$work/root.tar.zst" "$1"
}

sources() {
  echo "deb $mirror $suite $components"
  echo "deb $mirror $suite-updates $components"
  echo "deb $security_mirror $suite-security $components"
  if [ "$backports" = yes ]; then echo "deb $mirror $suite-backports $components"; fi
}

# What both the machine and /dev/shm have to give; nothing where there is none.
memory_left() {
  { awk '/^MemAvailable/ { print int($2 / 1024) }' /proc/meminfo
    df --output=avail -BM /dev/shm 2>/dev/null | tail -n 1 | tr -dc '0-9\n' || echo 0; } | sort -n | head -n 1
}

main "$@"

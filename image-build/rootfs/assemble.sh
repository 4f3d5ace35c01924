#!/bin/sh
# From the cached base to a finished root file system: our packages, the overlay folder, the hooks, then the squashfs
# and the kernel of the slot. Called by build.sh, in a mount namespace, with: here base cache debs modules target version arch work
set -eu
root=$work/root

main() {
  mkdir -p "$root"
  tar --zstd -xpf "$base" -C "$root" --xattrs --xattrs-include='*'
  mkdir -p "$root/dev" "$root/proc"
  mount --rbind /dev "$root/dev"
  mount -t proc proc "$root/proc"
  kernel_and_initramfs
  install_debs
  # Numbers, not the names of this machine; modes as in the folder.
  cp -R --preserve=mode,links "$here/rootfs/overlay/." "$root/"
  say_what_it_is
  # The system's own updates: RAUC, slots, confirmation.
  sh "$here/update/install.sh" "$root" "$target"
  for hook in "$here"/rootfs/hooks/*.sh; do
    echo "hook ${hook##*/}"
    root=$root sh "$hook"
  done
  umount "$root/proc"
  umount -l "$root/dev"
  "$here/../bin/node" "$here/rootfs/sbom.ts" "$root" "$name" "$version" >"$work/sbom.cdx.json"
  mv "$root/usr/lib/vigie-image/boot" "$work/boot-files"
  clean
  mksquashfs "$root" "$work/rootfs.img" -noappend -no-progress -quiet \
    -comp zstd -Xcompression-level "$level" -b 256K -xattrs
  du -sm "$root" | cut -f1 >"$work/installed-mb"
  rm -rf "$root"
}

# Debian 13's kernel and its device trees lie in /boot and /usr/lib; those of later kernels lie beside their modules.
kernel_and_initramfs() {
  set -- "$root"/usr/lib/modules/*
  [ $# = 1 ] && [ -d "$1" ] || { echo "expected one kernel in the root file system, found: $*" >&2; exit 1; }
  kernel=${1##*/}
  echo "$kernel" >"$root/usr/lib/vigie-image/kernel"
  initramfs=$cache/initramfs-$target-$({
    echo "${base##*/} $modules"
    cat "$here/rootfs/make-initramfs.sh"
    cd "$here/rootfs/initramfs" && find . -type f -exec sha256sum {} + | LC_ALL=C sort
  } | sha256sum | cut -c1-16)
  sh "$here/rootfs/make-initramfs.sh" "$root" "$initramfs"
  cp "$initramfs" "$work/initrd.img"
  if [ -f "$1/vmlinuz" ]; then cp -L "$1/vmlinuz" "$work/"; else cp -L "$root/boot/vmlinuz-$kernel" "$work/vmlinuz"; fi
  for trees in "$1/dtb" "$root/usr/lib/linux-image-$kernel"; do
    [ ! -d "$trees" ] || mv "$trees" "$work/device-trees"
  done
  rm -f "$1/vmlinuz"
}

install_debs() {
  # Before the package's own file, which adds the groups. A file of its name would take its place.
  cp "$here/rootfs/sysusers.conf" "$root/usr/lib/sysusers.d/00-vigie-number.conf"
  chroot "$root" systemd-sysusers 00-vigie-number.conf
  mkdir -p "$root/tmp/debs"
  # shellcheck disable=SC2086 # Several files.
  cp $debs "$root/tmp/debs/"
  # What Debian has came with the base; dpkg says what is missing if a package wants more.
  chroot "$root" sh -c 'DEBIAN_FRONTEND=noninteractive dpkg -i /tmp/debs/*.deb'
  rm -r "$root/tmp/debs"
}

say_what_it_is() {
  # RAUC compares the first, people and `vigie system status` read the second.
  cat >>"$root/usr/lib/os-release" <<END
IMAGE_ID=vigie-$target
IMAGE_VERSION=$version
VARIANT="Vigie for $title"
VARIANT_ID=vigie-$target
END
}

# What each node makes for itself, and what is of no use on a root that is never written.
clean() {
  rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/* "$root"/var/log/* "$root"/tmp/* "$root"/var/tmp/* \
    "$root"/etc/ssh/ssh_host_* "$root"/var/lib/systemd/random-seed "$root"/boot/*
  : >"$root/etc/machine-id"
  rm -f "$root/var/lib/dbus/machine-id" "$root/etc/hostname"
  mkdir -p "$root/data" "$root/boot/vigie" "$root/var/cache" "$root/var/log"
  # Else systemd takes each start for the first after an update of /usr, since /etc forgets: ldconfig ran for minutes.
  touch "$root/etc/.updated" "$root/var/.updated"
}

main

#!/bin/sh
# Makes the disk of a small guest that updates itself for ever, and bundles for it:
#   sh image-build/test/update/guest.sh FOLDER
# It is an image as build.sh makes one (the same partitions, GRUB, RAUC, `vigie system`) with Debian's kernel and little
# else: guest-init takes the place of systemd and of the node, so that a start takes seconds where there is no KVM.
# Leaves disk.img, bundles.ext4. Debian's part is kept in build/cache.
set -eu
test=$(cd "$(dirname "$0")" && pwd)
here=$(cd "$test/../.." && pwd)
top=$(dirname "$here")
folder=$(realpath -m "$1")
arch=amd64 boot=uefi target=generic-amd64
packages=linux-image-amd64,initramfs-tools,udev,dbus,kmod,rauc,rauc-service,dosfstools,zstd
kernel_arguments='rootfstype=squashfs ro quiet init=/sbin/guest-init'
console='console=ttyS0,115200'
SOURCE_DATE_EPOCH=$(git -C "$top" log -1 --format=%ct)
export here arch boot console SOURCE_DATE_EPOCH
PATH=$PATH:/usr/sbin:/sbin

main() {
  mkdir -p "$folder" "$top/build/cache"
  rm -rf "$folder"/*
  base=$top/build/cache/update-test-$({ echo "$packages"; sed -n '/^debian()/,/^}/p' "$0"; } | sha256sum | cut -c1-16).tar
  [ -s "$base" ] || debian "$base"
  tree
  for version in 1 2 3; do image $version; done
  work=$folder/1
  export work
  mkdir -p "$work/data/system"
  sh "$here/layout/disk.sh" "$folder/disk.img"
  # The guest has no network: its bundles are on a second disk.
  mkdir "$folder/bundles"
  mv "$folder"/[23]/*.raucb "$folder/bundles/"
  mke2fs -q -t ext4 -d "$folder/bundles" "$folder/bundles.ext4" 600M
  rm -rf "$folder/tree" "$folder/bundles" "$folder"/[123]
}

# Debian's packages and an initramfs that knows this guest's disks.
debian() {
  echo "guest.sh: Debian's packages; they are kept for the next time"
  mmdebstrap --quiet --format=tar --variant=apt --include="$packages" \
    --customize-hook='printf "%s\n" virtio_pci virtio_blk squashfs ext4 vfat nls_cp437 nls_ascii dm_verity loop overlay >"$1/etc/initramfs-tools/modules"' \
    --customize-hook='sed -i "s/^MODULES=.*/MODULES=list/" "$1/etc/initramfs-tools/initramfs.conf"' \
    --customize-hook='chroot "$1" sh -c "update-initramfs -u -k all"' \
    trixie "$1.new"
  mv "$1.new" "$1"
}

# The root file system but for what tells versions apart.
tree() {
  tree=$folder/tree
  mkdir "$tree"
  tar -xpf "$base" -C "$tree" --exclude=./dev/*
  mv "$tree"/boot/vmlinuz-* "$folder/vmlinuz"
  mv "$tree"/boot/initrd.img-* "$folder/initrd.img"
  modules
  rm -rf "$tree"/usr/share/doc "$tree"/usr/share/man "$tree"/usr/share/locale "$tree"/usr/share/i18n "$tree"/var/cache/* \
    "$tree"/var/lib/apt "$tree"/var/lib/dpkg "$tree"/usr/lib/firmware "$tree"/boot/*
  mkdir -p "$tree/bundles" "$tree/data" "$tree/boot/vigie" "$tree/usr/lib/vigie"
  ln -sf /content/os-release "$tree/usr/lib/os-release"
  echo 0123456789abcdef0123456789abcdef >"$tree/etc/machine-id"
  sh "$here/update/install.sh" "$tree" $target
  install -m 644 "$here/rootfs/overlay/etc/fstab" "$tree/etc/fstab"
  install -m 755 "$test/guest-init" "$tree/sbin/guest-init"
  # `vigie` as the package has it, without what no `vigie system` needs.
  mkdir "$tree/usr/lib/vigie/bin"
  cp -r "$top/dist" "$top/package.json" "$tree/usr/lib/vigie/"
  cp "$top/bin/vigie" "$top/bin/node" "$tree/usr/lib/vigie/bin/"
  mkdir -p "$tree/usr/lib/vigie/node_modules/node/bin"
  strip -o "$tree/usr/lib/vigie/node_modules/node/bin/node" "$(readlink -f "$top/node_modules/node/bin/node")"
  ln -s ../lib/vigie/bin/vigie "$tree/usr/bin/vigie"
  mksquashfs "$tree" "$folder/base.squashfs" -noappend -no-progress -quiet -comp zstd -Xcompression-level 3 >/dev/null
}

# Of Debian's modules those alone that the guest loads.
modules() {
  version=$(ls "$tree/usr/lib/modules")
  from=$tree/usr/lib/modules/$version
  mkdir -p "$tree/kept"
  for name in dm_verity loop vfat nls_cp437 nls_ascii squashfs ext4; do
    chroot "$tree" modprobe -S "$version" --show-depends "$name" | sed -n "s#^insmod .*/modules/$version/\([^ ]*\).*#\1#p"
  done | sort -u | (cd "$from" && xargs -d '\n' cp --parents -t "$tree/kept")
  cp "$from"/modules.order "$from"/modules.builtin* "$tree/kept/"
  rm -rf "$from"
  mv "$tree/kept" "$from"
  chroot "$tree" depmod "$version"
}

# image VERSION: rootfs.img, boot.vfat and version, as build.sh leaves them, and a bundle.
image() {
  work=$folder/$1
  export work
  mkdir -p "$work/more/content"
  sh "$here/update/bootconfig.sh" "$work/bootconfig" $target
  echo "IMAGE_VERSION=$1" >"$work/more/content/os-release"
  # What tells half a system from a whole one: content of this version alone, in the root and on the command line.
  head -c 8000000 /dev/urandom >"$work/more/content/payload"
  (cd "$work/more/content" && sha256sum payload >payload.sha256)
  cp "$folder/base.squashfs" "$work/rootfs.img"
  mksquashfs "$work/more" "$work/rootfs.img" -no-progress -quiet -no-recovery >/dev/null
  kernel_arguments="$arguments vigie.boot=$1"
  export kernel_arguments
  cp "$folder/vmlinuz" "$folder/initrd.img" "$work/"
  sh "$here/layout/boot-uefi.sh"
  echo "$1" >"$work/version"
  [ "$1" = 1 ] || sh "$here/update/bundle.sh" $target "$work" >/dev/null
}

arguments=$kernel_arguments
main

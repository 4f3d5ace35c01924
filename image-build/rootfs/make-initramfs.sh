#!/bin/sh
# make-initramfs.sh ROOT MODULES: /boot/initrd.img with the modules that the file lists and our scripts; /boot/vmlinuz.
set -eu
root=$1
here=$(dirname "$0")
cp -a "$here/initramfs/." "$root/etc/initramfs-tools/"
cp "$2" "$root/etc/initramfs-tools/modules"
mkdir -p "$root/etc/initramfs-tools/conf.d"
cat >"$root/etc/initramfs-tools/conf.d/vigie" <<END
MODULES=list
COMPRESS=zstd
BUSYBOX=y
FSTYPE=squashfs,ext4
END
set -- "$root"/boot/vmlinuz-*
[ $# = 1 ] || { echo "expected one kernel in the root file system, found: $*" >&2; exit 1; }
kernel=${1##*/vmlinuz-}
chroot "$root" mkinitramfs -o /boot/initrd.img "$kernel"
mv "$root/boot/vmlinuz-$kernel" "$root/boot/vmlinuz"
echo "$kernel" >"$root/usr/lib/vigie-image/kernel"
rm -f "$root"/boot/System.map-* "$root"/vmlinuz* "$root"/initrd.img.old

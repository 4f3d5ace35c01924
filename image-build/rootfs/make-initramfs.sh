#!/bin/sh
# make-initramfs.sh ROOT FILE: writes the initramfs of the one kernel in ROOT to FILE, with the modules that `modules`
# lists and our hooks and scripts. ROOT has /dev and /proc.
set -eu
root=$1
here=$(dirname "$0")
cp -a "$here/initramfs/." "$root/etc/initramfs-tools/"
echo "$modules" | tr -s ' \n' '\n\n' >"$root/etc/initramfs-tools/modules"
mkdir -p "$root/etc/initramfs-tools/conf.d"
cat >"$root/etc/initramfs-tools/conf.d/vigie" <<END
MODULES=list
COMPRESS=zstd
COMPRESSLEVEL=3
BUSYBOX=y
FSTYPE=squashfs,ext4
END
kernel=$(basename "$root"/usr/lib/modules/*)
# mkinitramfs has an option of the same name as our variable, and reads it from the environment.
env -u modules chroot "$root" mkinitramfs -o /initrd.new "$kernel"
mv "$root/initrd.new" "$2.new"
mv "$2.new" "$2"

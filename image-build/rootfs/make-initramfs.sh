#!/bin/sh
# make-initramfs.sh ROOT FILE: writes the initramfs of the one kernel in ROOT to FILE, unless it is there from a build
# before, with the modules that `modules` lists and our hooks and scripts. ROOT has /dev and /proc, and is the same after it
# either way.
set -eu
root=$1
here=$(dirname "$0")
# Modes as in the folder, but not whose the checkout is.
cp -R --preserve=mode,links "$here/initramfs/." "$root/etc/initramfs-tools/"
echo "$modules" | tr -s ' \n' '\n\n' >"$root/etc/initramfs-tools/modules"
mkdir -p "$root/etc/initramfs-tools/conf.d"
cat >"$root/etc/initramfs-tools/conf.d/vigie" <<END
MODULES=list
COMPRESS=zstd
COMPRESSLEVEL=3
BUSYBOX=y
FSTYPE=squashfs,ext4
END
[ ! -s "$2" ] || exit 0
kernel=$(basename "$root"/usr/lib/modules/*)
# mkinitramfs has an option of the same name as our variable, and reads it from the environment. /var/tmp stays as it is.
env -u modules TMPDIR=/tmp chroot "$root" mkinitramfs -o /initrd.new "$kernel"
mv "$root/initrd.new" "$2.new"
mv "$2.new" "$2"

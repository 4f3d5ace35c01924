#!/bin/sh
# make-initramfs.sh ROOT MODULES: leaves /boot/vmlinuz, /boot/initrd.img with the modules that the file lists and our
# scripts, and /boot/device-trees where the kernel has them. Runs as a hook of mmdebstrap.
set -eu
root=$1
here=$(dirname "$0")
cp -a "$here/initramfs/." "$root/etc/initramfs-tools/"
cp "$2" "$root/etc/initramfs-tools/modules"
mkdir -p "$root/etc/initramfs-tools/conf.d"
cat >"$root/etc/initramfs-tools/conf.d/vigie" <<END
MODULES=list
COMPRESS=zstd
COMPRESSLEVEL=3
BUSYBOX=y
FSTYPE=squashfs,ext4
END
set -- "$root"/usr/lib/modules/*/kernel
[ $# = 1 ] && [ -d "$1" ] || { echo "expected one kernel in the root file system, found: $*" >&2; exit 1; }
kernel=$(basename "$(dirname "$1")")
# Debian 13's kernel lies in /boot, later ones lie beside their modules. mkinitramfs reads the configuration in /boot.
place=$root/usr/lib/modules/$kernel
[ ! -e "$place/vmlinuz" ] || mv "$place/vmlinuz" "$root/boot/vmlinuz-$kernel"
[ ! -e "$place/config" ] || cp "$place/config" "$root/boot/config-$kernel"
[ ! -d "$place/dtb" ] || mv "$place/dtb" "$root/boot/device-trees"
[ ! -d "$root/usr/lib/linux-image-$kernel" ] || mv "$root/usr/lib/linux-image-$kernel" "$root/boot/device-trees"
# mkinitramfs has an option of the same name as our variable, and reads it from the environment.
env -u modules chroot "$root" mkinitramfs -o /boot/initrd.img "$kernel"
mv "$root/boot/vmlinuz-$kernel" "$root/boot/vmlinuz"
mkdir -p "$root/usr/lib/vigie-image"
echo "$kernel" >"$root/usr/lib/vigie-image/kernel"
rm -f "$root"/boot/System.map-* "$root"/boot/config-* "$root"/vmlinuz* "$root"/initrd.img*

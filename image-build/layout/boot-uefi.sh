#!/bin/sh
# The FAT partitions of a board with UEFI: GRUB and its menu on bootconfig, kernel and initramfs in the slot.
set -eu
. "$here/layout/layout.conf"
. "$here/layout/fat.sh"

fat "$work/bootconfig.vfat" VIGIE $bootconfig_mib
put_folder "$work/bootconfig.vfat" "$work/bootconfig"

fat "$work/boot.vfat" VIGIE_A $boot_mib
put "$work/boot.vfat" "$work/vmlinuz" vmlinuz
put "$work/boot.vfat" "$work/initrd.img" initrd.img
echo "set slot_args='$kernel_arguments $console'" >"$work/slot.cfg"
put "$work/boot.vfat" "$work/slot.cfg" slot.cfg

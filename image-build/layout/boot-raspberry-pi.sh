#!/bin/sh
# The FAT partitions of a Raspberry Pi: autoboot.txt on bootconfig; firmware, device trees, kernel in the slot.
set -eu
. "$here/layout/layout.conf"
. "$here/layout/fat.sh"
firmware=$work/boot-files/usr/lib/raspi-firmware
trees=$work/device-trees/broadcom

fat "$work/bootconfig.vfat" VIGIE $bootconfig_mib
put_folder "$work/bootconfig.vfat" "$work/bootconfig"

slot=$work/boot.vfat
fat "$slot" VIGIE_A $boot_mib
put "$slot" "$work/vmlinuz" vmlinuz
put "$slot" "$work/initrd.img" initrd.img
put "$slot" "$here/targets/raspberry-pi/config.txt" config.txt
# One line, whose root= and rauc.slot= the updater rewrites for the other slot.
echo "root=PARTLABEL=system_a rauc.slot=A panic=10 $kernel_arguments $console" >"$work/cmdline.txt"
put "$slot" "$work/cmdline.txt" cmdline.txt
# A Pi 4, 400 and CM4 read these two; a Pi 5 has its own in its EEPROM.
put "$slot" "$firmware/start4.elf" start4.elf
put "$slot" "$firmware/fixup4.dat" fixup4.dat
for tree in "$trees"/bcm2711-rpi-*.dtb "$trees"/bcm2712*.dtb; do
  put "$slot" "$tree" "${tree##*/}"
done
# The name by which a Pi 5 asks for the tree of its later chip.
put "$slot" "$trees/bcm2712-d-rpi-5-b.dtb" bcm2712d0-rpi-5-b.dtb

#!/bin/sh
# Flashes this tree with two root file systems. Runs beside NVIDIA's flash.sh; written by image-build/build.sh jetson.
set -eu
cd "$(dirname "$0")"
board=@BOARD@
jetpack=@JETPACK@

usage() {
  cat <<END
Usage: sudo ./flash-vigie.sh --nvme | --internal [--board NAME] [--dry-run]

  --nvme        the system goes to an NVMe disk, the boot loader into the board's own flash
  --internal    the system goes to eMMC or SD card
  --board NAME  the board, as NVIDIA's driver package calls it${board:+ (default $board)}
  --dry-run     show the command, flash nothing
END
}

main() {
  where= dry=
  while [ $# -gt 0 ]; do
    case $1 in
      --help | -h) usage; exit 0 ;;
      --nvme | --internal) where=$1 ;;
      --dry-run) dry=echo ;;
      --board) [ $# -ge 2 ] || misuse '--board needs a value'; board=$2; shift ;;
      *) misuse "unknown argument '$1'" ;;
    esac
    shift
  done
  [ -n "$where" ] || misuse 'say where the system goes: --nvme or --internal'
  [ -f flash.sh ] || fail "NVIDIA's flash.sh is not here: copy the driver package of the same release over this tree (README-vigie.txt)"
  [ -n "$board" ] || misuse 'say which board: --board NAME'
  [ -f "$board.conf" ] || fail "the driver package has no board '$board'"
  # Two systems; and three tries before one is left for the other.
  export ROOTFS_AB=1 ROOTFS_RETRY_COUNT_MAX=3
  if [ "$where" = --internal ]; then
    $dry ./flash.sh "$board" internal
  else
    layout=$(first "tools/kernel_flash/flash_l4t_${chip}_nvme_rootfs_ab.xml" tools/kernel_flash/flash_l4t_nvme_rootfs_ab.xml)
    loader=$(first "bootloader/generic/cfg/flash_${chip}_qspi.xml" "bootloader/t186ref/cfg/flash_${chip}_qspi.xml")
    $dry ./tools/kernel_flash/l4t_initrd_flash.sh --external-device nvme0n1p1 -c "$layout" -p "-c $loader" \
      --showlogs --network usb0 "$board" external
  fi
}

# Thor is the first board of JetPack 7; the Orins go on under it.
case $jetpack$board in 7*thor*) chip=t264 ;; *) chip=t234 ;; esac

first() {
  for file; do
    [ ! -f "$file" ] || { echo "$file"; return; }
  done
  fail "the driver package has none of: $*"
}

misuse() {
  printf 'flash-vigie: %s\nTry: ./flash-vigie.sh --help\n' "$1" >&2
  exit 2
}

fail() {
  echo "flash-vigie: $1" >&2
  exit 1
}

main "$@"

#!/bin/sh
# Checks a Raspberry Pi's image file by file against what the board's firmware and the kernel need: what can be known of
# it without a board. docs/hardware-checklist.md has what only a board can show.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
top=$(dirname "$here")

usage() {
  cat <<END
Usage: image-build/test/pi-image.sh [IMAGE.img[.zst]]

Looks at partition table, FAT contents, firmware, device trees, kernel, initramfs, config.txt, cmdline.txt, autoboot.txt
and the root file system of a Raspberry Pi's image (default: the newest of build/images). Prints one line a check.

Exit status: 0 all is there, 1 something is missing, 2 not understood; 0 with 'skip:' where a tool is missing.
END
}

main() {
  case ${1:-} in --help | -h) usage; exit 0 ;; -*) usage >&2; exit 2 ;; esac
  PATH=$PATH:/usr/sbin:/sbin
  for tool in mcopy:mtools sfdisk:fdisk zstd:zstd unsquashfs:squashfs-tools fdtget:device-tree-compiler cpio:cpio jq:jq; do
    command -v "${tool%%:*}" >/dev/null || { echo "skip: ${tool%%:*} is missing: apt-get install ${tool#*:}"; exit 0; }
  done
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  failed=0 passed=0
  open_image "${1:-$(newest)}"
  check_table
  check_bootconfig
  check_firmware
  check_kernel
  check_trees
  check_initramfs
  check_root
  echo "$passed passed, $failed failed"
  [ "$failed" = 0 ]
}

newest() {
  # shellcheck disable=SC2012 # Names are our own.
  ls -t "$top"/build/images/vigie-raspberry-pi-*.img.zst 2>/dev/null | head -n 1
}

open_image() {
  [ -n "$1" ] && [ -f "$1" ] || { echo "pi-image: there is no image '$1'. Make one: image-build/build.sh raspberry-pi" >&2; exit 2; }
  case $1 in
    *.zst) image=$work/image; zstd -q -d --sparse "$1" -o "$image" ;;
    *) image=$1 ;;
  esac
  sfdisk --json "$image" >"$work/table"
}

# ok WHAT COMMAND …
ok() {
  what=$1
  shift
  if "$@" >/dev/null 2>&1; then
    passed=$((passed + 1))
    echo "ok: $what"
  else
    failed=$((failed + 1))
    echo "MISSING: $what"
  fi
}

same() {
  [ "$1" = "$2" ]
}

# part NUMBER FIELD
part() {
  jq -r ".partitiontable.partitions[$1 - 1].$2" "$work/table"
}

at() {
  echo "$image@@$(($(part "$1" start) * 512))"
}

# fetch NUMBER PATH: to $work/NAME, and whether it is there and not empty.
fetch() {
  mcopy -n -i "$(at "$1")" "::/$2" "$work/$(basename "$2")" 2>/dev/null && [ -s "$work/$(basename "$2")" ]
}

check_table() {
  ok 'GPT, which the boot loaders in the EEPROM of a Pi 4 and 5 read' same "$(jq -r .partitiontable.label "$work/table")" gpt
  n=0
  for name in bootconfig boot_a boot_b system_a system_b data; do
    n=$((n + 1))
    ok "partition $n is $name" same "$(part $n name)" $name
  done
  # The boot loader and Windows look into partitions of this type.
  for n in 1 2 3; do ok "partition $n has the type of FAT data" same "$(part $n type)" EBD0A0A2-B9E5-4433-87C0-68B6B72699C7; done
  ok 'no other partition has the type of data, so it alone grows' \
    same "$(jq '[.partitiontable.partitions[] | select(.type == "0FC63DAF-8483-4772-8E79-3D69D8477DE4") | .name] == ["data"]' "$work/table")" true
}

check_bootconfig() {
  ok 'bootconfig is FAT' mdir -i "$(at 1)" ::/
  ok 'autoboot.txt is there' fetch 1 autoboot.txt
  ok 'autoboot.txt starts slot A, and B when tried' sh -c "tr -d '\r' <'$work/autoboot.txt' | paste -sd' ' |
    grep -qx '\[all\] tryboot_a_b=1 boot_partition=2 \[tryboot\] boot_partition=3'"
  ok 'autoboot.txt is no longer than the 512 bytes that are read' [ "$(stat -c %s "$work/autoboot.txt")" -le 512 ]
  ok 'a README for people is there' fetch 1 README.txt
}

check_firmware() {
  ok 'config.txt is there' fetch 2 config.txt
  for line in arm_64bit=1 enable_uart=1 upstream_kernel=1 kernel=vmlinuz 'initramfs initrd.img followkernel'; do
    ok "config.txt says $line" grep -qx "$line" "$work/config.txt"
  done
  # A Pi 4, 400 and CM4; a Pi 5 needs neither.
  ok 'start4.elf is there' fetch 2 start4.elf
  ok 'start4.elf is a program' same "$(head -c 4 "$work/start4.elf" | od -An -tx1 | tr -d ' ')" 7f454c46
  ok 'fixup4.dat is there' fetch 2 fixup4.dat
  ok 'cmdline.txt is there' fetch 2 cmdline.txt
  ok 'cmdline.txt is one line' same "$(wc -l <"$work/cmdline.txt")" 1
  for word in root=PARTLABEL=system_a rauc.slot=A rootfstype=squashfs ro panic=10 console=tty0; do
    ok "cmdline.txt has $word" grep -qw -- "$word" "$work/cmdline.txt"
  done
  ok 'slot B is FAT, and empty until the first update' same "$(mdir -b -i "$(at 3)" ::/ 2>/dev/null)" ''
}

check_kernel() {
  ok 'the kernel is there' fetch 2 vmlinuz
  # The firmware unpacks gzip, and nothing else.
  ok 'the kernel is a plain 64-bit Arm image' same "$(dd if="$work/vmlinuz" bs=1 skip=56 count=4 status=none)" "$(printf 'ARM\144')"
  ok 'the initramfs is there' fetch 2 initrd.img
  ok 'kernel and initramfs leave a quarter of the slot free' \
    [ $(($(stat -c %s "$work/vmlinuz") + $(stat -c %s "$work/initrd.img"))) -lt $(($(part 2 size) * 512 * 3 / 4)) ]
}

# tree FILE MODEL COMPATIBLE
tree() {
  ok "$1 is there" fetch 2 "$1"
  ok "$1 is for: $2" sh -c "fdtget '$work/$1' / model | grep -q '$2'"
  ok "$1 is compatible with $3" sh -c "fdtget '$work/$1' / compatible | grep -qw '$3'"
}

check_trees() {
  tree bcm2711-rpi-4-b.dtb 'Raspberry Pi 4 Model B' brcm,bcm2711
  tree bcm2711-rpi-400.dtb 'Raspberry Pi 400' brcm,bcm2711
  tree bcm2711-rpi-cm4-io.dtb 'Compute Module 4' brcm,bcm2711
  tree bcm2712-rpi-5-b.dtb 'Raspberry Pi 5' brcm,bcm2712
  tree bcm2712d0-rpi-5-b.dtb 'Raspberry Pi 5' brcm,bcm2712
  ok 'the tree of the Pi 5 has its network socket' sh -c "strings '$work/bcm2712-rpi-5-b.dtb' | grep -q rp1-gem"
}

# The initramfs is one archive for early code, maybe, and one of the rest, behind each other.
check_initramfs() {
  mkdir -p "$work/initramfs"
  (cd "$work/initramfs" && unpack "$work/initrd.img")
  modules=$(cd "$work/initramfs" && find . -name '*.ko*' | sed 's#.*/##; s/\.ko.*//; s/-/_/g' | sort)
  kernel=$(unsquashfs -q -o $(($(part 4 start) * 512)) -cat "$image" usr/lib/vigie-image/kernel 2>/dev/null || true)
  builtin=$(unsquashfs -q -o $(($(part 4 start) * 512)) -cat "$image" "usr/lib/modules/$kernel/modules.builtin" 2>/dev/null |
    sed 's#.*/##; s/\.ko$//; s/-/_/g' | sort)
  # Card, its bus and clocks on both chips; NVMe and USB; what the root and the data partition are made of.
  for module in sdhci_brcmstb sdhci_iproc mmc_block pcie_brcmstb reset_raspberrypi irq_bcm2712_mip pinctrl_brcmstb_bcm2712 \
    clk_raspberrypi clk_rp1 pinctrl_rp1 rp1_pci nvme usb_storage uas xhci_pci squashfs overlay ext4 vfat nls_cp437 nls_ascii; do
    ok "the initramfs or the kernel has $module" sh -c "printf '%s\n' '$modules' '$builtin' | grep -qx $module"
  done
  ok 'the initramfs mounts the data partition' [ -x "$work/initramfs/scripts/local-bottom/vigie" ]
  ok 'the initramfs checks the data partition' sh -c "find '$work/initramfs' -name e2fsck | grep -q ."
  ok 'the modules are those of the kernel' sh -c "ls '$work'/initramfs/usr/lib/modules/ '$work'/initramfs/lib/modules/ 2>/dev/null | grep -qx '$kernel'"
}

# Archives behind each other: modules, which are compressed one by one, as they are, then all else by zstd.
unpack() {
  cp "$1" "$work/rest"
  while [ "$(head -c 6 "$work/rest")" = 070701 ]; do
    cpio -idm --quiet <"$work/rest" 2>/dev/null || true
    end=$(grep -abo 'TRAILER!!!' "$work/rest" | head -n 1 | cut -d: -f1)
    tail -c +$((end + 12)) "$work/rest" | LC_ALL=C sed '1s/^\x00*//' >"$work/next"
    mv "$work/next" "$work/rest"
  done
  ok 'the initramfs is compressed by zstd' same "$(head -c 4 "$work/rest" | od -An -tx1 | tr -d ' ')" 28b52ffd
  zstd -q -d <"$work/rest" 2>/dev/null | cpio -idm --quiet 2>/dev/null || true
}

# rootfile PATH: prints a file of the root file system.
rootfile() {
  unsquashfs -q -o $(($(part 4 start) * 512)) -cat "$image" "$1" 2>/dev/null
}

check_root() {
  unsquashfs -q -o $(($(part 4 start) * 512)) -ll "$image" >"$work/files"
  rootfile etc/fstab >"$work/fstab"
  ok 'fstab: data grows, and is written gently' grep -Eq '^/dev/disk/by-partlabel/data /data ext4 [^ ]*noatime[^ ]*growfs' "$work/fstab"
  ok 'fstab: the readable partition by its label' grep -Eq '^/dev/disk/by-partlabel/bootconfig /boot/vigie vfat ' "$work/fstab"
  ok 'fstab: no swap on the card' sh -c "! grep -q ' swap ' '$work/fstab'"
  ok 'nobody has a password' sh -c "[ -z \"\$(unsquashfs -q -o $(($(part 4 start) * 512)) -cat '$image' etc/shadow | awk -F: '\$2 !~ /^[!*]/')\" ]"
  ok 'SSH does not start without a key' sh -c "unsquashfs -q -o $(($(part 4 start) * 512)) -cat '$image' \
    usr/lib/systemd/system/ssh.service.d/30-vigie.conf | grep -qx 'ConditionPathExists=/etc/ssh/authorized_keys/root'"
  ok 'no socket starts SSH' sh -c "! grep -q 'wants/ssh.socket' '$work/files'"
  ok 'no host keys: each node makes its own' sh -c "! grep -q 'ssh_host_.*_key' '$work/files'"
  ok 'no machine-id: each node makes its own' same "$(rootfile etc/machine-id)" ''
  ok 'the service starts' grep -q 'multi-user.target.wants/vigie.service' "$work/files"
  ok 'RAUC knows the board' sh -c "unsquashfs -q -o $(($(part 4 start) * 512)) -cat '$image' etc/rauc/system.conf | grep -qx 'compatible=vigie-raspberry-pi'"
  ok 'firmware of the WLAN chips is there' grep -q 'brcm/brcmfmac43455-sdio' "$work/files"
  for module in genet macb bcm2835_thermal bcm2711_thermal vc4; do
    ok "the root has the driver $module, or the kernel" sh -c "{ sed 's#.*/##; s/\.ko.*//; s/-/_/g' '$work/files'; echo '$builtin'; } | grep -qx $module"
  done
}

main "$@"

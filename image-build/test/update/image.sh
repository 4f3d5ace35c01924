#!/bin/sh
# Updates a whole image as a user would, in a virtual machine.
set -eu
cd "$(dirname "$0")/../../.."

usage() {
  cat <<END
Usage: image-build/test/update/image.sh generic-amd64|generic-arm64

Takes the image and the update that build.sh left (build/image/TARGET) with a service put on its data partition that
installs the update. It has to start on trial by GRUB, and to be kept by vigie-system-confirm once its node did well for
20 s. Then once more, with a node that is stopped on trial: the system has to go back by itself and say why.

Takes about five minutes on a quiet machine of two cores. Exit status: 0 passed, 1 failed, 2 not understood; 0 with a line
that begins 'skip:' where a program is missing.
END
}

case ${1:-} in
  generic-amd64) arch=amd64 qemu=qemu-system-x86_64:qemu-system-x86 firmware=/usr/share/OVMF/OVMF_CODE_4M.fd:ovmf ;;
  generic-arm64) arch=arm64 qemu=qemu-system-aarch64:qemu-system-arm firmware=/usr/share/AAVMF/AAVMF_CODE.fd:qemu-efi-aarch64 ;;
  --help | -h) usage; exit 0 ;;
  *) usage >&2; exit 2 ;;
esac
PATH=$PATH:/usr/sbin:/sbin
for tool in "$qemu" rauc:rauc mksquashfs:squashfs-tools debugfs:e2fsprogs sfdisk:fdisk; do
  command -v "${tool%%:*}" >/dev/null || { echo "skip: this test needs ${tool%%:*}: apt-get install ${tool#*:}"; exit 0; }
done
[ -f "${firmware%:*}" ] || { echo "skip: there is no firmware for the guest: apt-get install ${firmware#*:}"; exit 0; }

from=build/image/$1
[ -s "$from/rootfs.img" ] || { echo "image.sh: there is no $from/rootfs.img. Run first: image-build/build.sh $1" >&2; exit 1; }
work=build/image/update-image-test
test=image-build/test/update
rm -rf "$work"
mkdir -p "$work/update" "$work/bundles"

# The same system as a newer version.
ln "$from/rootfs.img" "$from/boot.vfat" "$work/update/"
echo "$(cat "$from/version")+test" >"$work/update/version"
sh image-build/update/bundle.sh "$1" "$work/update" >/dev/null
mv "$work"/update/*.raucb "$work/bundles/"
size=$(($(du -sm "$work/bundles" | cut -f1) + 40))
mke2fs -q -t ext4 -d "$work/bundles" "$work/bundles.ext4" ${size}M

# The data partition, with the test's service below /data/etc, which a start copies to /etc.
cp "$from/data.ext4" "$work/data.ext4"
printf 'node: { site: test, name: node-1 }\n' >"$work/vigie.yaml"
printf '[Unit]\nAfter=vigie-system-boot.service vigie.service\n[Service]\nExecStart=/bin/sh /etc/vigie-test.sh\n' >"$work/test.service"
printf '[Service]\nExecStart=\nExecStart=/usr/bin/vigie system confirm --wait --for 20s --within 10min\n' >"$work/confirm.conf"
# A busy machine without KVM is slow, and no fault of the image.
printf '[Manager]\nDefaultTimeoutStartSec=15min\nDefaultDeviceTimeoutSec=15min\n' >"$work/patience.conf"
debugfs -w "$work/data.ext4" >/dev/null 2>&1 <<END
mkdir etc
mkdir etc/vigie
mkdir etc/systemd
mkdir etc/systemd/system
mkdir etc/systemd/system.conf.d
mkdir etc/systemd/system/multi-user.target.wants
mkdir etc/systemd/system/vigie-system-confirm.service.d
write $work/patience.conf etc/systemd/system.conf.d/patience.conf
write $work/vigie.yaml etc/vigie/vigie.yaml
write $test/guest-unit.sh etc/vigie-test.sh
write $work/test.service etc/systemd/system/vigie-test.service
write $work/confirm.conf etc/systemd/system/vigie-system-confirm.service.d/test.conf
symlink etc/systemd/system/multi-user.target.wants/vigie-test.service /etc/systemd/system/vigie-test.service
END

# The disk as build.sh lays it out, with that partition.
here=$PWD/image-build work=$PWD/$work arch=$arch boot=uefi SOURCE_DATE_EPOCH=$(date +%s)
for file in bootconfig.vfat boot.vfat rootfs.img; do ln "$from/$file" "$work/$file"; done
export here work arch boot SOURCE_DATE_EPOCH
mv "$work/data.ext4" "$work/data-with-test.ext4"
sh "$here/layout/disk.sh" "$work/disk.img" >/dev/null
. "$here/layout/layout.conf"
dd if="$work/data-with-test.ext4" of="$work/disk.img" bs=1M conv=notrunc,sparse status=none \
  seek=$((1 + bootconfig_mib + 2 * boot_mib + 2 * system_mib))
exec bin/node "$test/image.ts" "$arch"

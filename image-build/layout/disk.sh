#!/bin/sh
# disk.sh IMAGE: a GPT disk with the file systems that lie in $work. docs/images.md says what each partition is for.
set -eu
. "$here/layout/layout.conf"
image=$1
MIB=1048576
# Types: by them firmware finds its partition, systemd-repart the one to grow, and Windows what to show.
ESP=C12A7328-F81F-11D2-BA4B-00A0C93EC93B
FAT=EBD0A0A2-B9E5-4433-87C0-68B6B72699C7
DATA=0FC63DAF-8483-4772-8E79-3D69D8477DE4
case $arch in
  arm64) ROOT=B921B045-1DF0-41C3-AF44-4C6F280D3FAE ;;
  amd64) ROOT=4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709 ;;
esac

main() {
  fits "$work/boot.vfat" $boot_mib
  fits "$work/rootfs.img" $system_mib
  first_type=$FAT
  [ "$boot" != uefi ] || first_type=$ESP
  total=$((1 + bootconfig_mib + 2 * boot_mib + 2 * system_mib + data_mib + 1))
  rm -f "$image"
  truncate -s ${total}M "$image"
  empty_fat "$work/boot_b.vfat" VIGIE_B $boot_mib
  data_partition
  sfdisk --quiet --no-reread --no-tell-kernel "$image" <<END
label: gpt
label-id: $disk_uuid
first-lba: 2048
$(partition 1 bootconfig $first_type $bootconfig_mib)
$(partition 2 boot_a $FAT $boot_mib)
$(partition 3 boot_b $FAT $boot_mib)
$(partition 4 system_a $ROOT $system_mib)
$(partition 5 system_b $ROOT $system_mib)
$(partition 6 data $DATA $data_mib)
END
  at=1
  write "$work/bootconfig.vfat" $bootconfig_mib
  write "$work/boot.vfat" $boot_mib
  write "$work/boot_b.vfat" $boot_mib
  write "$work/rootfs.img" $system_mib
  at=$((at + system_mib))
  write "$work/data.ext4" $data_mib
  sfdisk --verify "$image"
}

# A slot takes the next release, too: a full one is a mistake here, not on a node.
fits() {
  size=$(stat -c %s "$1")
  [ "$size" -le $(($2 * MIB)) ] || {
    echo "${1##*/} has $((size / MIB)) MiB, and its partition in layout/layout.conf $2 MiB" >&2
    exit 1
  }
}

partition() {
  echo "name=$2, type=$3, uuid=$part_uuid_prefix$1, size=$4MiB"
}

# empty_fat FILE LABEL MIB
empty_fat() {
  truncate -s "$3M" "$1"
  mkfs.vfat --invariant -n "$2" "$1"
}

# write FILE MIB: to the next place. Holes stay holes.
write() {
  dd if="$1" of="$image" bs=1M seek="$at" conv=notrunc,sparse status=none
  at=$((at + $2))
}

# Grown to the size of the card at the first start: blocks of 4 KiB, room in the tables for 1 TiB, few reserved blocks.
data_partition() {
  mkdir -p "$work/data"
  touch -d "@$SOURCE_DATE_EPOCH" "$work/data"
  E2FSPROGS_FAKE_TIME=$SOURCE_DATE_EPOCH mke2fs -q -t ext4 -b 4096 -m 1 -L data -U $data_uuid -d "$work/data" \
    -E "hash_seed=$data_uuid,root_owner=0:0,lazy_itable_init=0,resize=$((1024 * 1024 * 256))" -J size=16 \
    -O metadata_csum,64bit "$work/data.ext4" ${data_mib}M
}

main

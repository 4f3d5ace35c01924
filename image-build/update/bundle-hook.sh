#!/bin/sh
# Runs on the node, from the bundle, once RAUC wrote a boot slot: a Raspberry Pi's firmware takes the kernel's command
# line from a file in that slot, which has to name the slot's own root. GRUB's script says it by itself.
set -eu
[ "$1" = slot-post-install ] && [ "$RAUC_SLOT_CLASS" = boot ] || exit 0
case $RAUC_SLOT_NAME in
  boot.0) slot=A label=system_a ;;
  boot.1) slot=B label=system_b ;;
  *) echo "no such boot slot: $RAUC_SLOT_NAME" >&2; exit 1 ;;
esac
file=$RAUC_SLOT_MOUNT_POINT/cmdline.txt
[ -f "$file" ] || exit 0
sed -i -e "s/root=PARTLABEL=system_[ab]/root=PARTLABEL=$label/" -e "s/rauc\.slot=[AB]/rauc.slot=$slot/" "$file"
grep -q "root=PARTLABEL=$label.*rauc\.slot=$slot" "$file" || {
  echo "cmdline.txt names no root=PARTLABEL=system_… followed by rauc.slot=…: this bundle was not made by bundle.sh" >&2
  exit 1
}

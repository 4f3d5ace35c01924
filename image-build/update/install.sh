#!/bin/sh
# Makes the tree of a root file system one that updates itself by A/B bundles: RAUC's configuration and keyring, the boot
# chooser's hooks, the units that confirm an update or go back.
#   sh image-build/update/install.sh ROOT TARGET [KEYRING]
# The packages rauc and rauc-service (Debian 13: 1.13), dosfstools and dbus have to be in ROOT, or come there.
# KEYRING: PEM certificates of those who may sign bundles; without one, the development key's (keys.sh).
set -eu
here=$(dirname "$(readlink -f "$0")")
[ $# -ge 2 ] || { echo "usage: install.sh ROOT TARGET [KEYRING]" >&2; exit 2; }
root=$1 target=$2 keyring=${3:-${VIGIE_SYSTEM_KEYRING:-}}
if [ -z "$keyring" ]; then
  sh "$here/keys.sh"
  keyring=$here/../../build/image/keys/ca.cert.pem
fi
case $target in
  *[!a-z0-9-]* | '') echo "install.sh: '$target' is no name of a target: a-z, 0-9 and - alone" >&2; exit 2 ;;
esac
grep -q 'BEGIN CERTIFICATE' "$keyring" || { echo "install.sh: $keyring holds no PEM certificate" >&2; exit 1; }

install -d "$root/etc/rauc" "$root/usr/lib/vigie-system" "$root/usr/lib/systemd/system" \
  "$root/etc/systemd/system.conf.d" "$root/var/lib/vigie-system" "$root/boot/vigie"
sed "s/@TARGET@/$target/" "$here/system.conf.in" >"$root/etc/rauc/system.conf"
install -m 644 "$keyring" "$root/etc/rauc/keyring.pem"
install -m 755 "$here/boot-chooser" "$here/on-trial" "$root/usr/lib/vigie-system/"
install -m 644 "$here/watchdog.conf" "$root/etc/systemd/system.conf.d/50-vigie-watchdog.conf"
for unit in vigie-system-boot.service vigie-system-confirm.service \
  vigie-system-deadline.timer vigie-system-deadline.service; do
  install -m 644 "$here/$unit" "$root/usr/lib/systemd/system/$unit"
done
enable() {
  install -d "$root/etc/systemd/system/$2.wants"
  ln -sf "/usr/lib/systemd/system/$1" "$root/etc/systemd/system/$2.wants/$1"
}
enable vigie-system-boot.service multi-user.target
enable vigie-system-confirm.service multi-user.target
enable vigie-system-deadline.timer sysinit.target
# It would call every system good that reaches multi-user.target; a node is good when it does its work.
ln -sf /dev/null "$root/etc/systemd/system/rauc-mark-good.service"
# Debian's kernel does not hand tryboot on to the firmware of a Raspberry Pi. An image without the module starts and works,
# and refuses system updates in words.
if [ "$target" = raspberry-pi ]; then
  sh "$here/tryboot/build.sh" "$root" ||
    echo "install.sh: WARNING: the module vigie_tryboot was not built: nodes from this image refuse system updates" >&2
fi

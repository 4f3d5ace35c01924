#!/bin/sh
# boot-files.sh ROOT PACKAGE …: unpacks packages of boot loaders and firmware to /usr/lib/vigie-image/boot. They are not
# installed: their scripts want to write to the disk they run on. Runs as a hook of mmdebstrap.
set -eu
root=$1
shift
folder=$root/usr/lib/vigie-image
mkdir -p "$folder/boot"
[ $# -gt 0 ] || exit 0
mkdir "$folder/packages"
(cd "$folder/packages" && APT_CONFIG=$MMDEBSTRAP_APT_CONFIG apt-get -q download "$@")
for package in "$folder"/packages/*.deb; do
  dpkg-deb -x "$package" "$folder/boot"
  # For the list of what the image holds.
  dpkg-deb -f "$package" Package Version Architecture Source Maintainer >>"$folder/boot-packages"
  echo >>"$folder/boot-packages"
done
rm -r "$folder/packages"

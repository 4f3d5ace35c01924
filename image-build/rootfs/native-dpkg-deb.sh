#!/bin/sh
# native-dpkg-deb.sh ROOT on|off: unpacks packages in ROOT by this machine's own dpkg-deb. Under emulation that takes most
# of the time of a build. Nothing of it stays in ROOT. Runs as hooks of mmdebstrap.
set -eu
root=$1
program=$root/usr/bin/dpkg-deb
list=$root/native-files
# Of the same architecture there is nothing to win.
[ "$(dpkg --print-architecture)" != "$(chroot "$root" dpkg --print-architecture)" ] || exit 0
case $2 in
  on)
    : >"$list"
    # systemd refuses a system in which such a folder is not a link into /usr.
    [ -e "$root/lib64" ] || { mkdir -p "$root/usr/lib64"; ln -s usr/lib64 "$root/lib64"; }
    # What it is linked to, loader included, at the same paths; an image for another architecture has none of them.
    ldd /usr/bin/dpkg-deb | grep -o '/[^ ]*' | while read -r file; do
      [ ! -e "$root$file" ] || { echo "native-dpkg-deb: $file is in the image already" >&2; exit 1; }
      mkdir -p "$root$(dirname "$file")"
      cp -L "$file" "$root$file"
      echo "$file" >>"$list"
    done
    mv "$program" "$program.own"
    cp /usr/bin/dpkg-deb "$program"
    ;;
  off)
    mv "$program.own" "$program"
    while read -r file; do rm "$root$file"; done <"$list"
    sed 's#/[^/]*$##' "$list" | sort -ru | while read -r folder; do rmdir --ignore-fail-on-non-empty "$root$folder" 2>/dev/null || true; done
    if rmdir "$root/usr/lib64" 2>/dev/null; then rm "$root/lib64"; fi
    rm "$list"
    ;;
esac

#!/bin/sh
# Unpacks Debian packages and what they depend on into FOLDER, anew, from the mirror this machine takes its packages from:
#   sh scripts/debian-files.sh SUITE ARCHITECTURE FOLDER PACKAGE,…
# None of their programs run: no emulator is needed, nor root. Needs mmdebstrap.
set -eu
suite=$1 arch=$2 folder=$3 packages=$4
mirror=$(sh "$(dirname "$0")/mirror.sh")
# As an ordinary user it would otherwise want namespaces, which containers and some machines do not give.
mode=chrootless
[ "$(id -u)" != 0 ] || mode=root
rm -rf "$folder"
mkdir -p "$(dirname "$folder")"
mmdebstrap --quiet --mode="$mode" --variant=extract --arch="$arch" --include="$packages" "$suite" "$folder" "$mirror"

#!/bin/sh
# Unpacks what the addon of a package is linked with: the oldest C library that a package has to run on (Debian 11 has that
# of Ubuntu 20.04, which JetPack 5 is) and the libraries that come from the distribution on the board.
#   sh image-build/deb/sysroot.sh ARCHITECTURE FOLDER
set -eu
SUITE=bullseye
PACKAGES=libc6-dev,libturbojpeg0-dev,libpng-dev,zlib1g-dev,nlohmann-json3-dev,libfxdiv-dev,libfp16-dev,libgstreamer1.0-dev,libgstreamer-plugins-base1.0-dev
arch=$1 folder=$2

# Kept as long as this script stays as it is.
stamp=$(sha256sum <"$0")
[ "$(cat "$folder/.stamp" 2>/dev/null)" != "$stamp" ] || exit 0
sh "$(dirname "$0")/../../scripts/debian-files.sh" "$SUITE" "$arch" "$folder" "$PACKAGES"
# Absolute links would lead out of the folder.
find "$folder" -type l -lname '/*' | while read -r link; do
  target=$folder$(readlink "$link")
  [ ! -e "$target" ] || ln -sfr "$target" "$link"
done
echo "$stamp" >"$folder/.stamp"

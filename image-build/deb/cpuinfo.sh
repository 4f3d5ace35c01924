#!/bin/sh
# Unpacks libcpuinfo of Debian 12 into FOLDER/lib. XNNPACK reads its memory by the header it was compiled with, and the next
# release lays that out in another way under the same name: a package brings its own.
#   sh image-build/deb/cpuinfo.sh ARCHITECTURE FOLDER
set -eu
arch=$1 folder=$2
[ ! -e "$folder/lib/libcpuinfo.so.0" ] || exit 0
sh "$(dirname "$0")/../../scripts/debian-files.sh" bookworm "$arch" "$folder/cpuinfo" libcpuinfo0,libcpuinfo-dev
cmp -s /usr/include/cpuinfo.h "$folder/cpuinfo/usr/include/cpuinfo.h" || {
  echo "cpuinfo: /usr/include/cpuinfo.h is not that of Debian 12, on which packages are built" >&2
  exit 1
}
mkdir -p "$folder/lib"
cp "$folder"/cpuinfo/usr/lib/*/libcpuinfo.so.0 "$folder/lib"
# The text of its licence, for the package's own copyright file.
awk -v RS= '/^License: BSD-2-clause\n/' "$folder/cpuinfo/usr/share/doc/libcpuinfo0/copyright" |
  sed '1d; s/^ //; s/^\.$//' >"$folder/lib/BSD-2-Clause"

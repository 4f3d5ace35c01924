#!/bin/sh
# Builds XNNPACK as a static library into build/xnnpack/ARCHITECTURE (include/, lib/), from the sources that Debian 13
# packages: Debian 12's own package is too old. Sources are pinned by SHA-256 and kept in ~/.cache/vigie. What is there
# already stays, if it was made of the same by the same compiler.
#   sh scripts/xnnpack.sh [ARCHITECTURE]      amd64 or arm64; this machine's if left out
# XNNPACK_SOURCE_DIR, PTHREADPOOL_SOURCE_DIR: use these unpacked sources instead and download nothing.
set -eu
cd "$(dirname "$0")/.."

XNNPACK=x/xnnpack/xnnpack_0.0~git20241108.4ea82e5.orig.tar.xz
XNNPACK_SHA256=90bde2caef0f880f627bab0dc805a86c4b8070cd98e3243db3046ab3f3be1a99
PTHREADPOOL=p/pthreadpool/pthreadpool_0.0~git20240616.560c60d.orig.tar.xz
PTHREADPOOL_SHA256=4cc3cbd933b28131d2a34edc54f76af9fb41bc490af5eae1a5bd3cd07ea90708
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/vigie

main() {
  native=$(dpkg --print-architecture)
  arch=${1:-$native}
  out=$PWD/build/xnnpack/$arch
  work=$PWD/build/xnnpack/work-$arch
  toolchain=
  compiler=gcc
  if [ "$arch" != "$native" ]; then
    toolchain=cmake/$arch.cmake
    compiler=$(sed -n 's/^set(CMAKE_C_COMPILER \(.*\))/\1/p' "$toolchain")
  fi
  stamp=$(inputs | sha256sum)
  [ "$(cat "$out/.stamp" 2>/dev/null)" != "$stamp" ] || return 0
  # What an interrupted build left may hold half an object.
  rm -rf "$work"
  mkdir -p "$work"
  [ -n "${XNNPACK_SOURCE_DIR:-}" ] || XNNPACK_SOURCE_DIR=$(source_of "$XNNPACK" "$XNNPACK_SHA256" xnnpack)
  [ -n "${PTHREADPOOL_SOURCE_DIR:-}" ] || PTHREADPOOL_SOURCE_DIR=$(source_of "$PTHREADPOOL" "$PTHREADPOOL_SHA256" pthreadpool)
  cmake -S native/third-party/xnnpack -B "$work/cmake" -DCMAKE_BUILD_TYPE=Release \
    -DXNNPACK_SOURCE_DIR="$XNNPACK_SOURCE_DIR" -DPTHREADPOOL_SOURCE_DIR="$PTHREADPOOL_SOURCE_DIR" \
    ${toolchain:+"-DCMAKE_TOOLCHAIN_FILE=$PWD/$toolchain"}
  cmake --build "$work/cmake" --target XNNPACK --parallel "$(nproc)"
  rm -rf "$out"
  mkdir -p "$out/include" "$out/lib"
  cp native/third-party/xnnpack/*.h "$XNNPACK_SOURCE_DIR/include/xnnpack.h" "$PTHREADPOOL_SOURCE_DIR/include/pthreadpool.h" "$out/include"
  cp "$work"/cmake/*/*.a "$out/lib"
  echo "$stamp" >"$out/.stamp"
  rm -rf "$work"
}

# All that a library depends on: this script, our part of it, sources given instead of the pinned ones, the compiler.
inputs() {
  find scripts/xnnpack.sh native/third-party/xnnpack $toolchain -type f | LC_ALL=C sort | xargs sha256sum
  echo "${XNNPACK_SOURCE_DIR:-} ${PTHREADPOOL_SOURCE_DIR:-}"
  "$compiler" --version | head -n 1
}

# source_of POOL_PATH SHA256 NAME: prints the folder of the unpacked source.
source_of() {
  archive=$CACHE/$(basename "$1")
  mkdir -p "$CACHE" "$work/$3"
  echo "$2  $archive" | sha256sum --check --status 2>/dev/null || download "$1" "$archive"
  echo "$2  $archive" | sha256sum --check --status || fail "$archive is not the file that was pinned: delete it and run this again"
  tar -xf "$archive" -C "$work/$3"
  # One archive holds its files, the other a folder of them.
  dirname "$(find "$work/$3" -maxdepth 2 -name CMakeLists.txt | head -n 1)"
}

# From the mirror this machine takes its packages from.
download() {
  for site in $(apt-get indextargets --format '$(SITE)' | sort -u); do
    if /usr/lib/apt/apt-helper download-file "$site/pool/main/$1" "$2.part" >/dev/null 2>&1; then
      mv "$2.part" "$2"
      return
    fi
  done
  fail "no package mirror of this machine has pool/main/$1. Get that file elsewhere, put it at $2 and run this again"
}

fail() {
  echo "xnnpack: $1" >&2
  exit 1
}

main "$@"

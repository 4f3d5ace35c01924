#!/bin/sh
# Puts this project's packages into an L4T root file system that the user brings. `… jetson --help` explains.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
export here top

usage() {
  cat <<END
Usage: image-build/build.sh jetson --rootfs ARCHIVE [OPTIONS]

Unpacks a root file system of NVIDIA's Jetson Linux (L4T), which you bring since it may not be redistributed, installs
this project's packages in it, and leaves a tree for NVIDIA's flash tool. Needs root, or user namespaces.

  --rootfs ARCHIVE    Tegra_Linux_Sample-Root-Filesystem_R*_aarch64.tbz2, or a root file system made from it
  --bsp ARCHIVE|DIR   Jetson_Linux_R*_aarch64.tbz2, or Linux_for_Tegra unpacked: NVIDIA's drivers and flash tool. Needed
                      for a sample root file system as it was downloaded, and to check and set A/B redundancy here
  --board NAME        of the BSP, such as jetson-orin-nano-devkit: what flash-vigie.sh flashes (default: it asks)
  --deb FILE          a package of ours; may be given several times (default: vigie and vigie-camera from build/deb)
  --config FILE       becomes /etc/vigie/vigie.yaml; checked before
  --secrets DIR       its files become secrets of the node (passwordFile: credential:NAME)
  --profile NAME      device profile, for a carrier board that is not recognised: $(profiles)
  --out DIR           default: build/jetson
  --help              this

Result: DIR/Linux_for_Tegra with rootfs/, flash-vigie.sh and README-vigie.txt.

Example:
  image-build/build.sh jetson --rootfs Tegra_Linux_Sample-Root-Filesystem_R36.4.3_aarch64.tbz2 \\
    --bsp Jetson_Linux_R36.4.3_aarch64.tbz2 --board jetson-orin-nano-devkit --config vigie.yaml
END
}

profiles() {
  for file in "$top"/device-profiles/jetson-*.yaml; do
    basename "$file" .yaml
  done | paste -sd ' ' -
}

main() {
  arguments "$@"
  check_tools
  find_debs
  check_config
  check_archive
  check_space
  # The rest owns files of other users and runs programs of the root file system.
  if [ "$(id -u)" = 0 ]; then
    exec unshare --mount sh "$here/customise.sh"
  fi
  exec unshare --map-auto --map-root-user --mount sh "$here/customise.sh"
}

arguments() {
  rootfs= bsp= board= debs= config= secrets= profile= out=$top/build/jetson
  while [ $# -gt 0 ]; do
    case $1 in
      --help | -h) usage; exit 0 ;;
      --rootfs | --bsp | --board | --deb | --config | --secrets | --profile | --out) ;;
      *) misuse "unknown argument '$1'" ;;
    esac
    [ $# -ge 2 ] || misuse "$1 needs a value"
    case $1 in
      --rootfs | --deb | --config) [ -f "$2" ] || misuse "$1: there is no file $2" ;;
      --secrets) [ -d "$2" ] || misuse "$1: there is no folder $2" ;;
      --bsp) [ -e "$2" ] || misuse "$1: there is no file or folder $2" ;;
      --profile) [ -f "$top/device-profiles/$2.yaml" ] || misuse "there is no profile '$2'; there are: $(profiles)" ;;
    esac
    case $1 in
      --rootfs) rootfs=$(realpath "$2") ;;
      --bsp) bsp=$(realpath "$2") ;;
      --board) board=$2 ;;
      --deb) debs="$debs $(realpath "$2")" ;;
      --config) config=$(realpath "$2") ;;
      --secrets) secrets=$(realpath "$2") ;;
      --profile) profile=$2 ;;
      --out) out=$(realpath -m "$2") ;;
    esac
    shift 2
  done
  [ -n "$rootfs" ] || misuse 'say which root file system: --rootfs ARCHIVE'
  export rootfs bsp board debs config secrets profile out
}

# Programs and the Debian packages they come with.
TOOLS='tar bzip2 unshare:util-linux dtc:device-tree-compiler fdtput:device-tree-compiler dpkg-deb:dpkg'

check_tools() {
  missing=
  for tool in $TOOLS; do
    command -v "${tool%%:*}" >/dev/null || missing="$missing ${tool##*:}"
  done
  if [ "$(uname -m)" != aarch64 ]; then
    command -v qemu-aarch64-static >/dev/null || missing="$missing qemu-user-static binfmt-support"
  fi
  [ -z "$missing" ] || fail "programs are missing. Run as root: apt-get install -y --no-install-recommends$missing"
  [ "$(uname -m)" = aarch64 ] || [ -e /proc/sys/fs/binfmt_misc/qemu-aarch64 ] ||
    fail 'this machine cannot run programs for arm64. Run as root: update-binfmts --enable qemu-aarch64'
}

find_debs() {
  if [ -z "$debs" ]; then
    for package in vigie vigie-camera; do
      found=$(find "$top/build/deb" -maxdepth 1 -name "${package}_*_arm64.deb" -printf '%T@ %p\n' 2>/dev/null | sort -n | tail -n 1 | cut -d' ' -f2)
      [ -n "$found" ] || fail "build/deb has no package $package for arm64. Make it: npm run package -- arm64
or give one: --deb FILE"
      debs="$debs $found"
    done
  fi
  for deb in $debs; do
    arch=$(dpkg-deb -f "$deb" Architecture 2>/dev/null) || fail "$deb is no Debian package"
    case $arch in arm64 | all) ;; *) fail "$deb is for $arch; a Jetson is arm64" ;; esac
  done
}

check_config() {
  [ -n "$config" ] || return 0
  [ -z "$profile" ] || ! grep -q '^device:' "$config" ||
    misuse "--profile, and $config has device: as well: say it in one place"
  "$top/bin/node" --disable-warning=ExperimentalWarning "$top/runtime/main.ts" check "$config" || fail "the configuration has errors; the lines above say where"
}

# Its first names tell what it is, without the minutes that all of it takes.
check_archive() {
  first=$( (tar -tf "$rootfs" 2>/dev/null || true) | head -n 60)
  [ -n "$first" ] || fail "$rootfs is no archive that tar can read: it may be cut off; compare its size and checksum with NVIDIA's page"
  case $first in
    *Linux_for_Tegra/*)
      fail "$rootfs is NVIDIA's driver package (BSP), whose root file system is empty: give it with --bsp, and with
--rootfs the sample root file system of the same release" ;;
  esac
  echo "$first" | grep -qE '^(\./)?(bin|boot|dev|etc|home|lib|media|usr|var|README\.txt)(/|$)' ||
    fail "$rootfs holds no root file system: expected folders such as etc/ and usr/; found $(echo "$first" | head -n 3 | paste -sd ' ' -)"
}

# bzip2 makes a root file system to a quarter; what is installed and NVIDIA's own packages come on top.
check_space() {
  mkdir -p "$out"
  parts=$(stat -c %s "$rootfs")
  [ ! -f "$bsp" ] || parts=$((parts + $(stat -c %s "$bsp")))
  [ ! -d "$bsp" ] || parts=$((parts + $(du -s --block-size=1 "$bsp" | cut -f1) / 4))
  need=$((parts / 1000000 * 9 / 2 + 1000))
  free=$(df --output=avail -BM "$out" | tail -n 1 | tr -dc 0-9)
  [ "$free" -ge "$need" ] || fail "$out has $free MB left; unpacking takes up to $need MB. Choose another place: --out DIR"
}

misuse() {
  printf 'jetson: %s\nTry: image-build/build.sh jetson --help\n' "$1" >&2
  exit 2
}

fail() {
  echo "jetson: $1" >&2
  exit 1
}

main "$@"

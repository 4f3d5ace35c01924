#!/bin/sh
# Builds an image to flash. `sh image-build/build.sh --help` explains.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
top=$(dirname "$here")
export here

usage() {
  cat <<END
Usage: image-build/build.sh TARGET [OPTIONS]

Makes a disk image for a board: Debian 13, this project's packages, two slots for updates, a data partition that grows
to the size of the card at the first start. Nothing is mounted and no loop device is used; root is not needed where
user namespaces are allowed.

Targets:
$(targets)
  jetson            NVIDIA Jetson, from NVIDIA's own root file system: image-build/build.sh jetson --help

Options:
  --deb FILE          a package to install besides vigie and vigie-camera, such as vigie-onnxruntime, or in their place;
                      may be given several times (those two come from build/deb: npm run package)
  --without-cameras   leave out vigie-camera and what it depends on: a node for sensors alone
  --version VERSION   of the image (default: the project's, $(version))
  --output DIR        where the results go (default: build/images)
  --refresh           take today's Debian packages instead of the cached root file system
  --fast              compress less: for tries on this machine
  --help              this

Results:
  vigie-TARGET-VERSION.img.zst    the image; write it with any flasher
  vigie-TARGET-VERSION.img.bmap   what of it is not empty: with bmaptool flashing takes a third of the time
  vigie-TARGET-VERSION.cdx.json   what is in it (CycloneDX)
  SHA256SUMS
build/image/TARGET keeps rootfs.img, boot.vfat and version: what image-build/update/bundle.sh makes a system update of.

VIGIE_CACHE names another folder than build/cache for Debian's part of images, such as one that several checkouts share.
The first build of a target for Arm boards takes some 10 minutes on two cores, of generic-amd64 3, and 3 GB below build/;
the following ones take Debian's part from the cache.

Examples:
  npm run package && image-build/build.sh raspberry-pi
  image-build/build.sh generic-amd64 --without-cameras
  bmaptool copy build/images/vigie-raspberry-pi-$(version).img.zst /dev/sdX
END
}

# Name and title of each target file.
targets() {
  for file in "$here"/targets/*.conf; do
    name=${file##*/}
    printf '  %-16s  %s\n' "${name%.conf}" "$(sed -n "s/^title='\(.*\)'/\1/p" "$file")"
  done
}

version() {
  sed -n 's/^  "version": "\(.*\)",/\1/p' "$top/package.json"
}

main() {
  began=$(date +%s)
  # A root file system that the user brings has options of its own.
  [ "${1:-}" != jetson ] || { shift; exec sh "$here/jetson/build.sh" "$@"; }
  arguments "$@"
  # shellcheck source=/dev/null
  . "$here/targets/$target.conf"
  cache=${VIGIE_CACHE:-$top/build/cache}
  name=vigie-$target-$version
  work=$top/build/image/$target
  log=$work/build.log
  # Not the time of building: the same sources make the same image.
  SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$top" log -1 --format=%ct 2>/dev/null || stat -c %Y "$top/package.json")}
  # What every kernel is told besides its slot. gpt_auto: all mounts are ours, none is guessed from partition types.
  kernel_arguments='rootfstype=squashfs ro quiet systemd.gpt_auto=0'
  export kernel_arguments SOURCE_DATE_EPOCH target title version arch boot console cache work name
  check_tools
  find_debs
  mkdir -p "$cache" "$output"
  check_space
  # Another build may be writing the same cache.
  exec 9>"$cache/lock"
  flock -n 9 || { say "another build is running here; waiting for it"; flock 9; }
  rm -rf "$work"
  mkdir -p "$work"
  echo "$version" >"$work/version"
  base_root
  step 'our packages and settings, compressed root' in_namespace sh "$here/rootfs/assemble.sh"
  step 'boot loader' sh "$here/update/bootconfig.sh" "$work/bootconfig" "$target"
  cp "$here/targets/README.txt" "$work/bootconfig/"
  step 'boot partitions' sh "$here/layout/boot-$boot.sh"
  step 'partitions' sh "$here/layout/disk.sh" "$work/$name.img"
  finish
}

arguments() {
  target= debs= cameras=yes version=$(version) output=$top/build/images refresh= level=19
  while [ $# -gt 0 ]; do
    case $1 in
      --help | -h) usage; exit 0 ;;
      --deb | --version | --output)
        [ $# -ge 2 ] || misuse "$1 needs a value"
        case $1 in
          --deb) [ -f "$2" ] || misuse "there is no file $2"; debs="$debs $(realpath "$2")" ;;
          --version) version=$2 ;;
          --output) output=$(realpath -m "$2") ;;
        esac
        shift ;;
      --without-cameras) cameras= ;;
      --refresh) refresh=yes ;;
      --fast) level=3 ;;
      -*) misuse "unknown option $1" ;;
      *)
        [ -z "$target" ] || misuse "one target at a time: '$target' or '$1'"
        target=$1 ;;
    esac
    shift
  done
  export level
  [ -n "$target" ] || misuse "say for which target:
$(targets)"
  [ -f "$here/targets/$target.conf" ] || misuse "there is no target '$target'; there are:
$(targets)"
  case $version in
    *[!A-Za-z0-9.+~-]* | '') misuse "a version consists of letters, digits and . + ~ -; found '$version'" ;;
  esac
}

# Programs and the Debian packages they come with.
TOOLS='mmdebstrap mksquashfs:squashfs-tools mke2fs:e2fsprogs mkfs.vfat:dosfstools mcopy:mtools sfdisk:fdisk zstd
  flock:util-linux'

check_tools() {
  missing= PATH=$PATH:/usr/sbin:/sbin
  export PATH
  for tool in $TOOLS; do
    command -v "${tool%%:*}" >/dev/null || missing="$missing ${tool##*:}"
  done
  # A user who is not root becomes many in a namespace of their own.
  [ "$(id -u)" = 0 ] || command -v newuidmap >/dev/null || missing="$missing uidmap"
  if [ "$boot" = uefi ]; then
    command -v grub-mkimage >/dev/null || missing="$missing grub-common"
  fi
  if [ "$(dpkg --print-architecture)" != "$arch" ]; then
    command -v "qemu-$(machine)-static" >/dev/null || command -v "qemu-$(machine)" >/dev/null ||
      missing="$missing qemu-user-static binfmt-support"
  fi
  [ -z "$missing" ] || fail "programs are missing. Run as root: apt-get install -y --no-install-recommends$missing"
  [ "$(dpkg --print-architecture)" = "$arch" ] || check_emulation
}

machine() {
  case $arch in arm64) echo aarch64 ;; amd64) echo x86_64 ;; esac
}

# A system without systemd, such as a container, does not tell its kernel of the emulator.
check_emulation() {
  entry=/proc/sys/fs/binfmt_misc/qemu-$(machine)
  [ ! -e "$entry" ] || return 0
  if [ "$(id -u)" = 0 ]; then
    say "the kernel does not know yet how to run programs for $arch: telling it"
    [ -e "${entry%/*}/register" ] || mount -t binfmt_misc binfmt_misc "${entry%/*}" || true
    # Debian 13 and newer; before that, a program knew.
    description=/usr/lib/binfmt.d/qemu-$(machine).conf
    if [ -e "$description" ]; then
      grep '^:' "$description" >"${entry%/*}/register" || true
    else
      update-binfmts --enable "qemu-$(machine)" || true
    fi
  fi
  [ -e "$entry" ] || fail "this machine cannot run programs for $arch: $entry is missing.
Run as root: systemctl restart systemd-binfmt.service (Debian 13), or update-binfmts --enable qemu-$(machine) (Debian 12)"
}

# Adds to debs what the options did not say.
find_debs() {
  wanted=vigie given=' '
  [ -z "$cameras" ] || wanted='vigie vigie-camera'
  for deb in $debs; do
    built_for=$(dpkg-deb -f "$deb" Architecture) || fail "$deb is no Debian package"
    case $built_for in
      "$arch" | all) ;;
      *) fail "$deb is for $built_for, and $target for $arch" ;;
    esac
    given="$given$(dpkg-deb -f "$deb" Package) "
  done
  for package in $wanted; do
    case $given in *" $package "*) continue ;; esac
    found=$(newest "$top"/build/deb/"${package}"_*_"$arch".deb "$top"/build/deb/"${package}"_*_all.deb)
    [ -n "$found" ] || fail "build/deb has no package $package for $arch. Make it: npm run package -- $arch
or give one: --deb FILE"
    debs="$debs $found"
  done
}

newest() {
  newest=
  for file; do
    [ -f "$file" ] || continue
    if [ -z "$newest" ] || [ "$file" -nt "$newest" ]; then newest=$file; fi
  done
  echo "$newest"
}

# In megabytes; measured on an image with cameras, and some more.
check_space() {
  need=4500
  free=$(df --output=avail -BM "$top/build" | tail -n 1 | tr -dc 0-9)
  [ "$free" -ge $need ] || fail "$top/build has $free MB left; a build takes up to $need MB.
Older builds may go: $top/build/image, $top/build/images, $top/build/cache"
}

# What Debian gives: from the cache if it was made from the same list by the same scripts.
base_root() {
  packages=$(package_list | paste -sd, -)
  mirror=${VIGIE_MIRROR:-http://deb.debian.org/debian}
  security_mirror=${VIGIE_SECURITY_MIRROR:-http://deb.debian.org/debian-security}
  backports=${backports:-}
  export packages boot_packages modules mirror security_mirror backports
  hash=$({
    echo "$arch $packages $boot_packages $backports"
    cat "$here/rootfs/base.sh" "$here/rootfs/boot-files.sh" "$here/rootfs/native-dpkg-deb.sh"
  } | sha256sum | cut -c1-16)
  base=$cache/root-$target-$hash.tar.zst
  export base
  if [ -f "$base" ] && [ -z "$refresh" ]; then
    days=$((($(date +%s) - $(stat -c %Y "$base")) / 86400))
    say "Debian's packages: from the cache, $days days old (--refresh takes today's)"
  else
    step "Debian's packages for $arch" own_mounts sh "$here/rootfs/base.sh" "$base"
    # Of one target the last is enough.
    find "$cache" -maxdepth 1 -name "root-$target-*" ! -path "$base" -mtime +0 -delete
  fi
}

# Names for apt: the list of every image, the target's, and what our packages depend on.
package_list() {
  {
    sed 's/#.*//' "$here/rootfs/packages.list"
    echo "$packages" | tr -s ' ' '\n'
    for deb in $debs; do
      dpkg-deb -f "$deb" Depends Pre-Depends Recommends | sed 's/^[A-Za-z-]*: //' | tr ',' '\n' | sed 's/|.*//; s/(.*//; s/ //g'
    done | grep -v '^vigie'
  } | tr -d ' ' | grep . | LC_ALL=C sort -u
}

# mmdebstrap mounts /dev and others in what it makes; killed, it leaves none of them behind here.
own_mounts() {
  if [ "$(id -u)" = 0 ]; then unshare --mount "$@"; else "$@"; fi
}

# Owners of files of the image need root, or a namespace in which we are; there /proc is that of its own processes.
in_namespace() {
  export debs
  if [ "$(id -u)" = 0 ]; then
    unshare --mount "$@"
  else
    unshare --map-auto --map-root-user --mount --pid --fork --kill-child "$@"
  fi
}

finish() {
  img=$work/$name.img
  if command -v bmaptool >/dev/null; then
    step 'block map' bmaptool create -o "$output/$name.img.bmap" "$img"
  else
    say 'no block map: bmaptool is missing (apt-get install bmap-tools); flashing works without, slower'
  fi
  step 'compression' zstd -q -f -T0 -9 "$img" -o "$work/$name.img.zst"
  chmod 644 "$work/$name.img.zst"
  # Whole or not at all.
  mv "$work/$name.img.zst" "$output/"
  mv "$work/sbom.cdx.json" "$output/$name.cdx.json"
  [ -n "${KEEP_IMG:-}" ] || rm "$img"
  (cd "$output" && sha256sum ./*.img.zst ./*.bmap ./*.cdx.json 2>/dev/null | sed 's# \./# #' >SHA256SUMS)
  say "done in $(($(date +%s) - began)) s:"
  (cd "$output" && du -h --apparent-size "$name".* | sed 's/^/  /')
}

# step TITLE COMMAND …: says what runs, for how long, and shows the end of its output if it fails.
step() {
  title=$1 at=$(date +%s)
  shift
  say "$title …"
  if ! "$@" >>"$log" 2>&1 </dev/null 9>&-; then
    tail -n 30 "$log" >&2
    fail "$title failed; all of the output is in $log"
  fi
  say "$title: $(($(date +%s) - at)) s"
}

say() {
  echo "image: $1"
}

misuse() {
  printf 'image: %s\nTry: image-build/build.sh --help\n' "$1" >&2
  exit 2
}

fail() {
  echo "image: $1" >&2
  exit 1
}

main "$@"

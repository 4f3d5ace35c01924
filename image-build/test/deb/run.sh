#!/bin/sh
# Installs the packages of build/deb in fresh root file systems and looks at what they do there:
#   sh image-build/test/deb/run.sh [SUITE[/ARCH]]…     trixie and bookworm on this machine's architecture if left out
#   sh image-build/test/deb/run.sh trixie/arm64        under emulation (qemu-user-static)
# Needs root and mmdebstrap, else skips with a notice. Root file systems are kept in build/cache.
# Ends with `N passed, N failed`.
set -eu
cd "$(dirname "$0")/../../.."
here=$PWD/image-build/test/deb
cache=$PWD/build/cache
native=$(dpkg --print-architecture)

main() {
  [ "$(id -u)" = 0 ] || skip "installing packages in a root file system needs root"
  for tool in mmdebstrap dpkg-deb unshare; do
    command -v "$tool" >/dev/null || skip "$tool is missing (apt-get install mmdebstrap dpkg util-linux)"
  done
  [ $# -gt 0 ] || set -- trixie bookworm
  work=$(mktemp -d)
  log=$work/log
  root=
  trap 'leave' EXIT
  trap 'exit 130' INT TERM
  passed=0 failed=0
  for target; do
    suite=${target%/*} arch=$native
    case $target in */*) arch=${target#*/} ;; esac
    try_release
  done
  echo "$passed passed, $failed failed"
  [ "$failed" = 0 ]
}

try_release() {
  deb=$(newest "vigie_*_$arch.deb")
  [ -n "$deb" ] || fail "build/deb has no vigie_*_$arch.deb: npm run package -- $arch"
  if [ "$arch" != "$native" ] && ! [ -e "/proc/sys/fs/binfmt_misc/qemu-$(machine)" ]; then
    skip "this machine cannot run programs for $arch (apt-get install qemu-user-static binfmt-support)"
  fi
  root=$work/root-$suite-$arch
  base_root
  mkdir "$root"
  tar -xf "$base" -C "$root"
  mkdir -p "$root/packages"
  for name in vigie vigie-camera vigie-onnxruntime; do
    cp "$(newest "${name}_*_$arch.deb")" "$root/packages/$name.deb"
  done
  other_version "$root/packages/vigie.deb" 99.0.0 "$root/packages/newer.deb"
  other_version "$root/packages/vigie.deb" 0.0.1 "$root/packages/older.deb"
  bin/node "$here/add-plan.ts" "$root/packages/add.xnn"
  cp "$here/in-root.sh" "$root/packages"
  began=$(date +%s)
  # Own process and mount namespaces: what is left running ends with them.
  unshare --pid --fork --kill-child --mount --mount-proc="$root/proc" \
    chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
    sh /packages/in-root.sh >"$work/results" 2>"$log" </dev/null || echo "FAIL in-root.sh ended early" >>"$work/results"
  sed "s|^|$suite/$arch: |" "$work/results"
  passed=$((passed + $(grep -c '^ok ' "$work/results" || true)))
  failed=$((failed + $(grep -c '^FAIL ' "$work/results" || true)))
  ! grep -q '^FAIL ' "$work/results" || tail -n 40 "$log" >&2
  echo "$suite/$arch: $(($(date +%s) - began)) s"
  rm -rf "$root"
  root=
}

# A release with what our packages depend on already there, by the hash of that list.
base_root() {
  dependencies=$(for name in vigie vigie-camera; do
    dpkg-deb -f "$(newest "${name}_*_$arch.deb")" Depends Pre-Depends
  done | sed 's/^[A-Za-z-]*: //' | tr ',' '\n' | sed 's/([^)]*)//g; s/ //g' | grep -v '^vigie' | sort -u)
  include=
  for choice in $dependencies; do
    case $suite:$choice in
      # Names before the change to 64-bit time.
      bookworm:*t64\|*) choice=${choice#*|} ;;
      *) choice=${choice%%|*} ;;
    esac
    include=$include,$choice
  done
  include=${include#,}
  base=$cache/package-test-$suite-$arch-$(echo "$include" | sha256sum | cut -c1-12).tar
  [ ! -e "$base" ] || return 0
  echo "$suite/$arch: making a root file system, kept in ${base#"$PWD"/}"
  mkdir -p "$cache"
  mmdebstrap --quiet --variant=apt --arch="$arch" --include="$include" "$suite" "$base.part.tar" "$(mirror)"
  mv "$base.part.tar" "$base"
}

# other_version DEB VERSION OUT: the same package under another version.
other_version() {
  rm -rf "$work/other"
  dpkg-deb -R "$1" "$work/other"
  sed -i "s/^Version: .*/Version: $2/" "$work/other/DEBIAN/control"
  dpkg-deb -Znone --root-owner-group -b "$work/other" "$3" >/dev/null
  rm -rf "$work/other"
}

newest() {
  # shellcheck disable=SC2012,SC2086 # Names are ours.
  ls -t build/deb/$1 2>/dev/null | head -n 1
}

mirror() {
  apt-get indextargets --format '$(SITE)' | grep -v security | sort -u | head -n 1
}

machine() {
  case $arch in arm64) echo aarch64 ;; amd64) echo x86_64 ;; esac
}

leave() {
  rm -rf "$work"
}

skip() {
  echo "skip: $1"
  echo "${passed:-0} passed, ${failed:-0} failed"
  exit 0
}

fail() {
  echo "test: $1" >&2
  exit 1
}

main "$@"

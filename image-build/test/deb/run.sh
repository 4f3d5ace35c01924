#!/bin/sh
# Installs the packages of build/deb in fresh root file systems and looks at what they do there:
#   sh image-build/test/deb/run.sh [SUITE[/ARCH]]…     trixie and bookworm on this machine's architecture if left out
#   sh image-build/test/deb/run.sh trixie/arm64        under emulation (qemu-user-static)
#   sh image-build/test/deb/run.sh jammy noble         Ubuntu, from UBUNTU_MIRROR if http://archive.ubuntu.com is not near
# Needs root and mmdebstrap, else skips with a notice. Root file systems are kept in VIGIE_CACHE, or build/cache.
# Ends with `N passed, N failed`.
set -eu
cd "$(dirname "$0")/../../.."
here=$PWD/image-build/test/deb
cache=${VIGIE_CACHE:-$PWD/build/cache}
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
  # dpkg of Ubuntu 20.04 removes nothing without this file, which mmdebstrap does not make.
  : >>"$root/var/lib/dpkg/available"
  for name in vigie vigie-camera vigie-onnxruntime; do
    cp "$(newest "${name}_*_$arch.deb")" "$root/packages/$name.deb"
  done
  other_version 99.0.0 newer '# newer'
  other_version 0.0.1 older '# older'
  bin/node "$here/add-plan.ts" "$root/packages/add.xnn"
  cp "$here/in-root.sh" "$root/packages"
  began=$(date +%s)
  # Own process and mount namespaces: what is left running ends with them.
  unshare --pid --fork --kill-child --mount --mount-proc="$root/proc" \
    chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
    sh /packages/in-root.sh >"$work/results" 2>"$log" </dev/null || echo "FAIL in-root.sh ended early" >>"$work/results"
  boots
  sed "s|^|$suite/$arch: |" "$work/results"
  passed=$((passed + $(grep -c '^ok ' "$work/results" || true)))
  failed=$((failed + $(grep -c '^FAIL ' "$work/results" || true)))
  ! grep -q '^FAIL ' "$work/results" || tail -n 60 "$log" >&2
  echo "$suite/$arch: $(($(date +%s) - began)) s"
  rm -rf "$root"
  root=
}

# With the release's own systemd, unless its programs are emulated.
boots() {
  if [ "$arch" != "$native" ] || ! command -v systemd-nspawn >/dev/null; then
    echo "$suite/$arch: skip: the service under systemd (systemd-container, this machine's architecture)"
    return
  fi
  chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive \
    dpkg --install /packages/vigie.deb >>"$log" 2>&1
  sh "$here/boot-root.sh" "$root" >>"$work/results" 2>>"$log" || echo "FAIL boot-root.sh ended early" >>"$work/results"
}

# A release with what our packages depend on already there, by the hash of that list.
base_root() {
  dependencies=$(for name in vigie vigie-camera vigie-onnxruntime; do
    for field in Pre-Depends Depends; do dpkg-deb -f "$(newest "${name}_*_$arch.deb")" "$field"; done
  done | tr ',' '\n' | sed 's/^ *//' | grep -Ev '^(vigie.*)?$' | sort -u | paste -sd,)
  base=$cache/package-test-$suite-$arch-$(echo "$dependencies" | sha256sum | cut -c1-12).tar
  [ ! -e "$base" ] || return 0
  echo "$suite/$arch: making a root file system, kept as ${base#"$PWD"/}"
  mkdir -p "$cache"
  make_base_root >"$work/base.log" 2>&1 || {
    tail -n 20 "$work/base.log" >&2
    fail "the root file system was not made"
  }
  mv "$base.part.tar" "$base"
}

make_base_root() {
  # By the release's own apt, which chooses between alternatives.
  set -- --quiet --variant=apt --arch="$arch" --customize-hook="chroot \"\$1\" env DEBIAN_FRONTEND=noninteractive \
    apt-get -q -y --no-install-recommends satisfy '$dependencies'"
  case $suite in
    focal | jammy | noble)
      # Debian 12 has no package of Ubuntu's keys. apt reads them as a user of its own.
      chmod 755 "$work"
      sh scripts/debian-files.sh trixie "$native" "$work/ubuntu" ubuntu-keyring || return
      set -- "$@" --components=main,universe --keyring="$work/ubuntu/usr/share/keyrings/ubuntu-archive-keyring.gpg"
      # Before 24.04 a package merges /usr, once the system runs.
      [ "$suite" = noble ] || set -- "$@" --hook-dir=/usr/share/mmdebstrap/hooks/maybe-merged-usr
      mmdebstrap "$@" "$suite" "$base.part.tar" "${UBUNTU_MIRROR:-http://archive.ubuntu.com/ubuntu}"
      ;;
    *) mmdebstrap "$@" "$suite" "$base.part.tar" "$(sh scripts/mirror.sh)" ;;
  esac
}

# other_version VERSION NAME LINE: the same package under another version, with a line more in its configuration.
other_version() {
  rm -rf "$work/other"
  dpkg-deb -R "$root/packages/vigie.deb" "$work/other"
  sed -i "s/^Version: .*/Version: $1/" "$work/other/DEBIAN/control"
  echo "$3" >>"$work/other/etc/vigie/vigie.yaml"
  dpkg-deb -Znone --root-owner-group -b "$work/other" "$root/packages/$2.deb" >/dev/null
  rm -rf "$work/other"
}

newest() {
  # shellcheck disable=SC2012,SC2086 # Names are ours.
  ls -t build/deb/$1 2>/dev/null | head -n 1
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

#!/bin/sh
# Runs the arm64 package on the oldest C library it is made for, that of Debian 11 and Ubuntu 20.04 (JetPack 5), under
# emulation and without root: sh image-build/test/deb/oldest.sh
# Needs qemu-user, and build/deb/work-arm64/sysroot, which packaging leaves. Ends with `N passed, N failed`.
set -eu
cd "$(dirname "$0")/../../.."
sysroot=$PWD/build/deb/work-arm64/sysroot
passed=0 failed=0

skip() {
  echo "skip: $1"
  echo '0 passed, 0 failed'
  exit 0
}

check() {
  name=$1
  shift
  if "$@" >>"$work/log" 2>&1; then
    passed=$((passed + 1)) verdict=ok
  else
    failed=$((failed + 1)) verdict=FAIL
  fi
  echo "glibc 2.31/arm64: $verdict $name"
}

vigie() {
  qemu-aarch64 -L "$sysroot" "$work/root/usr/lib/vigie/bin/node" "$work/root/usr/lib/vigie/dist/runtime/main.js" "$@"
}

says() {
  text=$1
  shift
  output=$("$@" 2>&1) || true
  echo "$output"
  echo "$output" | grep -q -- "$text"
}

command -v qemu-aarch64 >/dev/null || skip 'qemu-aarch64 is missing (apt-get install qemu-user)'
[ -d "$sysroot" ] || skip 'there is no build/deb/work-arm64/sysroot: npm run package -- arm64'
deb=$(find build/deb -maxdepth 1 -name 'vigie_*_arm64.deb' -printf '%T@ %p\n' | sort -rn | sed 's/^[^ ]* //; q')
[ -n "$deb" ] || skip 'build/deb has no vigie_*_arm64.deb: npm run package -- arm64'
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/root"
dpkg-deb -x "$deb" "$work/root"
# The name of the package's version is that of the program, with a tilde where npm has a dash.
check 'vigie --version' says "$(dpkg-deb -f "$deb" Version | tr '~' '-')" vigie --version
bin/node image-build/test/deb/add-plan.ts "$work/add.xnn"
echo '[[10, 20, 30, 40]]' >"$work/x.json"
# libcpuinfo of the package needs a newer C library: the kernel's own word on the processor has to do.
check 'a plan runs on XNNPACK' says '11,22,33,44' vigie model run "$work/add.xnn" "$work/x.json" --json
check 'the default configuration is valid' vigie check "$work/root/etc/vigie/vigie.yaml"
[ "$failed" = 0 ] || cat "$work/log" >&2
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]

#!/bin/sh
# What continuous integration does with packages: builds this machine's, has lintian look at them, and installs, runs,
# upgrades and purges them in a fresh Debian 13. Where the machine lacks what that takes, it says so and passes.
# What systemd-analyze says of the units is tested by `npm test`.
#   sh image-build/test/deb/ci.sh [build|check]      only the first part, or the others
set -eu
cd "$(dirname "$0")/../../.."

skip() {
  echo "skip: the Debian packages were not tested: $1"
  exit 0
}
missing=
for entry in dh:debhelper lintian:lintian mmdebstrap:mmdebstrap pkg-config:pkgconf unshare:util-linux; do
  command -v "${entry%%:*}" >/dev/null || missing="$missing ${entry##*:}"
done
[ -z "$missing" ] || skip "apt-get install$missing"
grep -qs '^VERSION_ID="12"$' /etc/os-release || skip 'they are built on Debian 12'
[ "$(id -u)" = 0 ] || skip 'installing them takes root'
unshare --mount --pid --fork --mount-proc true 2>/dev/null || skip 'this machine lets nobody mount anything'

arch=$(dpkg --print-architecture)
part=${1:-all}
[ "$part" = check ] || sh image-build/deb/build.sh "$arch"
[ "$part" != build ] || exit 0
began=$(date +%s)
lintian --fail-on error,warning build/deb/*_"$arch".deb
echo "$arch: lintian has nothing to say, $(($(date +%s) - began)) s"
sh image-build/test/deb/run.sh trixie

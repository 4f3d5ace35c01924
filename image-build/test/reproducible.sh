#!/bin/sh
# Builds an image twice, each time from nothing but Debian's packages of today, and compares the two to the bit:
#   sh image-build/test/reproducible.sh TARGET [OPTION …]      options are those of build.sh
# Exit status: 0 the same, 1 not. Packages have a test of their own: image-build/test/deb/reproducible.sh.
set -eu
cd "$(dirname "$0")/../.."
[ $# -gt 0 ] || { sed -n '2,4s/^# //p' "$0" >&2; exit 2; }
mkdir -p build
work=$(mktemp -d "$PWD/build/twice.XXXXXX")
trap 'rm -rf "$work"' EXIT
for time in first second; do
  VIGIE_CACHE=$work/cache sh image-build/build.sh "$@" --fast --output "$work/$time"
  rm -rf "$work/cache"
done
different=0
for file in "$work"/first/*.img.zst "$work"/first/*.cdx.json; do
  cmp "$file" "$work/second/${file##*/}" && echo "same: ${file##*/}" || different=1
done
exit $different

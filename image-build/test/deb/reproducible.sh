#!/bin/sh
# Are the packages the same bit for bit, wherever they are built?
#   sh image-build/test/deb/reproducible.sh [amd64|arm64]…      this machine's architecture if left out
# Compares those that this checkout gives, with all that earlier builds left in it, to those built from nothing: in another
# folder without git, by another umask, host name, home, language and time zone. Sources compiled: XNNPACK, too, which
# takes most of the time. Of packages that differ it says in what, and keeps both in build/reproducible.
# Ends with `N passed, N failed`.
set -eu
cd "$(dirname "$0")/../../.."
checkout=$PWD
passed=0 failed=0

main() {
  SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
  export SOURCE_DATE_EPOCH
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  trap 'exit 130' INT TERM
  [ $# -gt 0 ] || set -- "$(dpkg --print-architecture)"
  elsewhere=$work/elsewhere/in-a-folder-whose-path-is-longer
  copy_sources
  for arch; do
    began=$(date +%s)
    sh image-build/deb/build.sh "$arch"
    from_nothing
    echo "$arch: from nothing in $(($(date +%s) - began)) s"
    for deb in "$elsewhere"/build/deb/*_"$arch".deb; do
      compare "build/deb/$(basename "$deb")" "$deb"
    done
    rm -rf "$elsewhere/build"
  done
  echo "$passed passed, $failed failed"
  [ "$failed" = 0 ]
}

# What a commit of this checkout would hold. The last name first: folders list their entries in another order.
copy_sources() {
  mkdir -p "$elsewhere"
  git ls-files -z --cached --others --exclude-standard | sort -rz |
    tar -c --null --ignore-failed-read --files-from=- | (umask 077 && tar -x --no-same-permissions -C "$elsewhere")
  cp -al node_modules "$elsewhere" 2>/dev/null || cp -a node_modules "$elsewhere"
}

from_nothing() {
  mkdir -p "$work/home"
  # What was downloaded is not what is asked here.
  cache=$(npm config get cache) settings=$(npm config get userconfig)
  (
    umask 077
    cd "$elsewhere"
    [ "$(id -u)" != 0 ] || set -- unshare --uts sh -c 'hostname elsewhere && exec "$@"' sh
    env HOME="$work/home" XDG_CACHE_HOME="${XDG_CACHE_HOME:-$HOME/.cache}" NPM_CONFIG_CACHE="$cache" \
      NPM_CONFIG_USERCONFIG="$settings" LC_ALL=C LANG=tr_TR.UTF-8 TZ=Pacific/Kiritimati \
      "$@" sh "$elsewhere/image-build/deb/build.sh" "$arch"
  )
}

# compare HERE ELSEWHERE
compare() {
  if cmp -s "$1" "$2"; then
    passed=$((passed + 1))
    echo "ok $1: the same bytes"
    return
  fi
  failed=$((failed + 1))
  echo "FAIL $1 differs:"
  explain "$1" "$2" | sed 's/^/  /'
  mkdir -p "$checkout/build/reproducible/here" "$checkout/build/reproducible/elsewhere"
  cp "$1" "$checkout/build/reproducible/here"
  cp "$2" "$checkout/build/reproducible/elsewhere"
}

# The parts of both archives: their order, then names, owners, modes and times of files, then contents.
explain() {
  unpack "$1" "$work/here"
  unpack "$2" "$work/there"
  for list in parts control.list data.list; do
    diff "$work/here/$list" "$work/there/$list" | head -n 20
  done
  diff -rq --no-dereference "$work/here/files" "$work/there/files" | head -n 40
}

unpack() {
  rm -rf "$2"
  mkdir -p "$2/files/control" "$2/files/data"
  ar tv "$1" >"$2/parts"
  for part in control data; do
    member=$(ar t "$1" | grep "^$part\.")
    ar p "$1" "$member" >"$2/$member"
    tar -tv --full-time --numeric-owner -f "$2/$member" >"$2/$part.list"
    tar -x -f "$2/$member" -C "$2/files/$part"
  done
}

main "$@"

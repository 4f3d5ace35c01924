#!/bin/sh
# Sets up a clone: Debian packages, npm packages, native addon, compiled TypeScript. Does only what is missing.
#   sh scripts/setup.sh        what running the node needs
#   sh scripts/setup.sh test   that, and what the tests need
set -eu
cd "$(dirname "$0")/.."

RUN_PACKAGES="g++ make cmake"
TEST_PACKAGES="mosquitto socat chromium openssl"
STAMPS=node_modules/.vigie
LOG=$(mktemp)
trap 'rm -f "$LOG"' EXIT

main() {
  packages=$RUN_PACKAGES
  [ "${1:-run}" = test ] && packages="$packages $TEST_PACKAGES"
  check_node
  debian_packages "$packages"
  step npm "npm packages (about a minute)" "$(stamp package.json package-lock.json)" \
    env npm_config_onnxruntime_node_install=skip npm ci --no-audit --no-fund
  step native "native addon" "$(stamp CMakeLists.txt native package-lock.json)" npm run --silent build:native
  step typescript "TypeScript" "$(stamp tsconfig.json tsconfig.build.json runtime simulator evaluation bench)" npm run --silent build:ts
}

check_node() {
  major=$(node -p 'process.versions.node.split(".")[0]' 2>/dev/null || echo 0)
  [ "$major" -ge 20 ] && return
  echo "setup: Node.js 20 or newer is needed to install; found '$(node -v 2>/dev/null || echo none)'. On Debian 13: apt-get install nodejs npm" >&2
  exit 1
}

debian_packages() {
  missing=
  for package in $1; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
  done
  [ -z "$missing" ] && return
  install="apt-get install -y --no-install-recommends$missing"
  if [ "$(id -u)" = 0 ]; then root=; elif sudo -n true 2>/dev/null; then root="sudo "; else
    echo "setup: Debian packages are missing and installing them needs root. Run this, then again what you ran:" >&2
    echo "  sudo sh -c 'apt-get update && $install'" >&2
    exit 1
  fi
  with_progress "Debian packages:$missing" ${root}sh -c "apt-get update -q && DEBIAN_FRONTEND=noninteractive $install"
}

# step NAME TITLE STAMP COMMAND …: runs the command unless it already ran for these inputs.
step() {
  name=$1 title=$2 stamp=$3
  shift 3
  [ "$(cat "$STAMPS/$name" 2>/dev/null)" = "$stamp" ] && return
  with_progress "$title" "$@"
  mkdir -p "$STAMPS"
  echo "$stamp" >"$STAMPS/$name"
}

# One digest of all the files named, or below the folders named.
stamp() {
  find "$@" -type f 2>/dev/null | LC_ALL=C sort | xargs sha256sum | sha256sum | cut -c1-16
}

# with_progress TITLE COMMAND …: says what runs, then how long it has been running; shows the output if it fails.
with_progress() {
  title=$1 began=$(date +%s) ticks=0
  shift
  echo "setup: $title"
  "$@" >"$LOG" 2>&1 &
  pid=$!
  while kill -0 "$pid" 2>/dev/null; do
    sleep 1
    ticks=$((ticks + 1))
    if [ -t 1 ]; then printf '\rsetup: … %d s' "$ticks"; elif [ $((ticks % 15)) = 0 ]; then echo "setup: … $ticks s"; fi
  done
  if ! wait "$pid"; then
    echo "setup: $title failed:" >&2
    tail -n 40 "$LOG" >&2
    exit 1
  fi
  [ -t 1 ] && printf '\r'
  echo "setup: done in $(($(date +%s) - began)) s"
}

main "$@"

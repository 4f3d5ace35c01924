#!/bin/sh
# Sets up a clone: Debian packages, npm packages, native addon, compiled TypeScript. Does only what is missing or
# out of date, needs a network for nothing else, and can be interrupted and run again.
#   sh scripts/setup.sh        what running the node needs
#   sh scripts/setup.sh test   that, and what the tests need
#   sh scripts/setup.sh image  that, and what building, checking and booting packages and images takes
set -eu
cd "$(dirname "$0")/.."

# Programs, by the names of their Debian packages.
RUN_PROGRAMS="g++ make cmake"
TEST_PROGRAMS="mosquitto socat chromium openssl valgrind rauc"
# Libraries: Debian package and what lies below /usr/include, or beside it, by which it is known to be there.
# The second line is what building XNNPACK takes, the rest is for cameras: headers, then plugins and decoders.
LIBRARIES="libturbojpeg0-dev:turbojpeg.h libpng-dev:png.h nlohmann-json3-dev:nlohmann/json.hpp zlib1g-dev:zlib.h
  libcpuinfo-dev:cpuinfo.h libfxdiv-dev:fxdiv.h libfp16-dev:fp16.h xz-utils:../bin/xz
  libgstreamer1.0-dev:gstreamer-1.0/gst/gst.h
  libgstreamer-plugins-base1.0-dev:gstreamer-1.0/gst/app/gstappsink.h
  gstreamer1.0-plugins-base:../share/doc/gstreamer1.0-plugins-base
  gstreamer1.0-plugins-good:../share/doc/gstreamer1.0-plugins-good
  gstreamer1.0-libav:../share/doc/gstreamer1.0-libav"
# An RTSP server; what boot partitions and system bundles are made and read with.
TEST_LIBRARIES="openssh-client:../bin/ssh-keygen squashfs-tools:../bin/mksquashfs mtools:../bin/mcopy grub-common:../bin/grub-editenv
  dosfstools:../sbin/mkfs.vfat
  python3-gi:../lib/python3/dist-packages/gi/__init__.py
  gir1.2-gst-rtsp-server-1.0:../share/doc/gir1.2-gst-rtsp-server-1.0
  systemd:../bin/systemd-analyze"
# No commands of their own name, or more than one.
IMAGE_LIBRARIES="debhelper:../bin/dh lintian:../bin/lintian mmdebstrap:../bin/mmdebstrap pkgconf:../bin/pkg-config zstd:../bin/zstd
  fdisk:../sbin/sfdisk e2fsprogs:../sbin/mke2fs qemu-system-x86:../bin/qemu-system-x86_64 ovmf:../share/OVMF/OVMF_CODE.fd"
LOG=build/setup.log

main() {
  trap 'echo "setup: interrupted; run the same again to go on" >&2; exit 130' INT
  programs=$RUN_PROGRAMS
  libraries=$LIBRARIES
  case ${1:-run} in
    test | image) programs="$programs $TEST_PROGRAMS" libraries="$libraries $TEST_LIBRARIES" ;;
  esac
  [ "${1:-run}" != image ] || libraries="$libraries $IMAGE_LIBRARIES"
  check_node
  check_owner
  find_missing "$programs"
  find_missing_libraries "$libraries"
  [ -z "$missing" ] || find_root
  mkdir -p build
  wait_for_turn
  [ -z "$missing" ] || with_progress "Debian packages:$missing" \
    "check the network and /etc/apt/sources.list; to see it fail: $root apt-get update" debian_packages
  step node_modules "npm packages" \
    "check that npm reaches its registry (npm ping); behind a proxy see 'npm help config' (https-proxy, cafile)" \
    "package.json package-lock.json" npm_packages
  step build/xnnpack "XNNPACK" \
    "its sources come from this machine's package mirror, or from XNNPACK_SOURCE_DIR and PTHREADPOOL_SOURCE_DIR" \
    "scripts/xnnpack.sh native/third-party" sh scripts/xnnpack.sh
  step build/native "native addon" "if the compiler is older than g++ 12 or cmake than 3.22, update Debian" \
    "CMakeLists.txt native node_modules/node-addon-api/package.json" native_addon
  step dist "TypeScript" "the sources do not compile; 'npm run typecheck' says where" \
    "package-lock.json tsconfig.json tsconfig.build.json runtime ota simulator evaluation bench" npm run --silent build:ts
}

check_node() {
  major=$(node -p 'process.versions.node.split(".")[0]' 2>/dev/null || echo 0)
  if [ "$major" -lt 20 ] || ! command -v npm >/dev/null; then
    fail "Node.js 20 or newer with npm is needed; found node $(node -v 2>/dev/null || echo 'none'), npm $(npm -v 2>/dev/null || echo 'none').
On Debian 13: apt-get install nodejs npm. On Debian 12, which has Node.js 18: see https://nodejs.org/en/download"
  fi
}

# A run as root leaves files that an ordinary user cannot replace.
check_owner() {
  for path in . build dist node_modules; do
    [ ! -e "$path" ] || [ -w "$path" ] || fail "$PWD/$path cannot be written by $(id -un). Run: sudo chown -R $(id -un) '$PWD'"
  done
}

find_missing() {
  missing=
  for program in $1; do
    # /usr/sbin holds mosquitto and is not in the path of an ordinary user.
    PATH="$PATH:/usr/sbin" command -v "$program" >/dev/null || missing="$missing $program"
  done
}

find_missing_libraries() {
  for library in $1; do
    # Some headers lie in a folder for the architecture.
    set -- /usr/include/"${library#*:}" /usr/include/*-linux-gnu/"${library#*:}"
    [ -e "$1" ] || [ -e "$2" ] || missing="$missing ${library%%:*}"
  done
}

find_root() {
  command -v apt-get >/dev/null ||
    fail "these programs are missing:$missing. On a system without apt-get, install them by its own means."
  install="apt-get install -y --no-install-recommends$missing"
  root=
  [ "$(id -u)" != 0 ] || return 0
  root=sudo
  if sudo -n true 2>/dev/null; then return; fi
  if [ -t 0 ] && command -v sudo >/dev/null; then
    echo "setup: Debian packages are missing:$missing. Installing them needs root:"
    if sudo -v; then return; fi
  fi
  fail "Debian packages are missing and installing them needs root. Run this as root, then again what you ran:
  apt-get update && $install"
}

# Held by what an interrupted run left running, too, so that two never write the same folder.
wait_for_turn() {
  exec 9>build/setup.lock
  flock -n 9 && return
  echo "setup: another set-up of this folder is running; waiting for it"
  flock 9
}

# 9>&-: a service that a package starts must not hold the lock. The wait is for a Debian that updates itself.
debian_packages() {
  $root sh -c "apt-get update -q; DEBIAN_FRONTEND=noninteractive $install -q -o DPkg::Lock::Timeout=300" 9>&- || return
  case $missing in *mosquitto*) broker_service_off ;; esac
}

# Debian starts a broker on port 1883 with the package. Nobody asked for one: the tests start their own.
broker_service_off() {
  command -v systemctl >/dev/null || return 0
  $root systemctl disable --now mosquitto.service 9>&- || return 0
  notice="the service mosquitto, which came with its package, is off; if you want it: systemctl enable --now mosquitto"
}

# onnxruntime-node would download GPU libraries.
npm_packages() {
  ONNXRUNTIME_NODE_INSTALL=skip npm ci --no-audit --no-fund || return
  bin/node -e 'process.exit(Number.parseInt(process.versions.node) < 24 ? 1 : 0)' && return
  echo "node_modules/node/bin/node is not Node.js 24: its package has none for $(uname -m), or npm ran no install scripts"
  return 1
}

native_addon() {
  # A build folder made under another path cannot be continued.
  grep -qsx "CMAKE_HOME_DIRECTORY:INTERNAL=$PWD" build/native/CMakeCache.txt || rm -rf build/native
  CMAKE_BUILD_PARALLEL_LEVEL=$(nproc) npm run --silent build:native
}

# step FOLDER TITLE HINT INPUTS COMMAND …: runs the command that fills FOLDER unless it already ran for these inputs.
step() {
  folder=$1 title=$2 hint=$3 stamp=$(digest "$4")
  shift 4
  [ "$(cat "$folder/.setup" 2>/dev/null)" = "$stamp" ] && return
  rm -f "$folder/.setup"
  with_progress "$title" "$hint" "$@"
  echo "$stamp" >"$folder/.setup"
}

# One digest of the machine's architecture and of all files named, or below the folders named.
digest() {
  # shellcheck disable=SC2086 # Several names.
  { uname -m; find $1 -type f -print0 2>/dev/null | LC_ALL=C sort -z | xargs -0 sha256sum; } | sha256sum | cut -c1-16
}

# with_progress TITLE HINT COMMAND …: says what runs and for how long; shows the end of the output if it fails.
with_progress() {
  title=$1 hint=$2 began=$(date +%s) status=0 notice=
  shift 2
  echo "setup: $title …"
  tick &
  ticker=$!
  "$@" >"$LOG" 2>&1 </dev/null || status=$?
  kill "$ticker" 2>/dev/null || true
  wait "$ticker" 2>/dev/null || true
  [ ! -t 1 ] || printf '\r\033[K'
  if [ "$status" != 0 ]; then
    tail -n 40 "$LOG" >&2
    fail "$title failed with status $status; $PWD/$LOG has all of the output. Then run the same again.
What to do: $hint"
  fi
  echo "setup: $title done in $(($(date +%s) - began)) s"
  [ -z "$notice" ] || echo "setup: $notice"
}

# The command stays in the foreground, where Ctrl-C and sudo reach it; this goes when the script does.
tick() {
  exec 9>&-
  seconds=0
  while sleep 1 >/dev/null && kill -0 $$ 2>/dev/null; do
    seconds=$((seconds + 1))
    if [ -t 1 ]; then
      printf '\r\033[Ksetup: … %d s  %s' "$seconds" "$(tail -n 1 "$LOG" 2>/dev/null | tr -cd '[:print:]' | cut -c 1-56)"
    elif [ $((seconds % 15)) = 0 ]; then
      echo "setup: … $seconds s"
    fi
  done
}

fail() {
  echo "setup: $1" >&2
  exit 1
}

main "$@"

#!/bin/sh
# Builds the Debian packages of one architecture into build/deb, without root, bit for bit the same from the same commit:
#   sh image-build/deb/build.sh [amd64|arm64]     this machine's architecture if left out
#     vigie_VERSION_ARCH.deb               the node, with its Node.js
#     vigie-camera_VERSION_ARCH.deb        cameras: what links GStreamer
#     vigie-onnxruntime_VERSION_ARCH.deb   ONNX Runtime
# Runs on Debian 12, amd64; docs/package.md says on what the packages install.
# VIGIE_VERSION: another version than package.json has. SOURCE_DATE_EPOCH: another time than that of the last commit.
# VIGIE_MAINTAINER: 'Name <address>' of who answers for these packages; the one left out takes no mail.
# TENSORRT_INCLUDE_DIR: TensorRT's headers, for nodes on a Jetson (docs/tensorrt.md).
set -eu
umask 022
cd "$(dirname "$0")/../.."
root=$PWD
here=$root/image-build/deb
export LC_ALL=C.UTF-8 TZ=UTC

main() {
  arch=${1:-$(dpkg --print-architecture)}
  case $arch in
    amd64) cpu=x64 tool=x86_64-linux-gnu ;;
    arm64) cpu=arm64 tool=aarch64-linux-gnu ;;
    *) fail "packages are made for amd64 and arm64, not for '$arch'" ;;
  esac
  need cmake make npm mmdebstrap pkg-config:pkgconf dh:debhelper "$tool-g++:g++-$(echo $tool | tr _ -)"
  [ -d node_modules ] || fail "node_modules is missing: run 'npm run setup' first"
  SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null)} ||
    fail "this is no git checkout: say SOURCE_DATE_EPOCH=SECONDS"
  export SOURCE_DATE_EPOCH
  version=${VIGIE_VERSION:-$(bin/node -p 'require("./package.json").version')}
  # 1.2.0-rc.1 comes before 1.2.0: Debian writes that with a tilde.
  debian_version=$(echo "$version" | sed 's/-/~/')
  maintainer=${VIGIE_MAINTAINER:-Vigie maintainers <maintainers@vigie.invalid>}
  echo "$maintainer" | grep -Eqx '[^<>@]+ <[^<> @]+@[^<> @]+>' ||
    fail "VIGIE_MAINTAINER is '$maintainer', not of the form 'Name <name@example.org>'"
  work=$root/build/deb/work-$arch
  modules=$work/modules
  node=$work/runtime/node_modules/node-linux-$cpu
  stage=$work/stage
  mkdir -p "$work"

  step "addon" native
  step "npm packages" production_modules
  step "Node.js" node_binary
  step "TypeScript" compile
  step "files" stage
  step "packages" package
  report
}

# Kept between runs: libraries, XNNPACK, objects.
native() {
  sh "$here/sysroot.sh" "$arch" "$work/sysroot"
  if [ "$arch" = "$(dpkg --print-architecture)" ]; then sh scripts/xnnpack.sh; else sh scripts/arm64.sh xnnpack; fi
  set -- -DCMAKE_TOOLCHAIN_FILE="$here/portable.cmake" -DVIGIE_PORTABLE="$arch" -DVIGIE_SYSROOT="$work/sysroot"
  sh "$here/cpuinfo.sh" "$arch" "$work"
  "$tool-g++" -std=c++20 -O2 -fPIC --sysroot="$work/sysroot" -c "$here/older-libc.cc" -o "$work/sysroot/older-libc.o"
  # CMake takes a toolchain's flags once.
  [ "$work/native/CMakeCache.txt" -nt "$here/portable.cmake" ] || rm -rf "$work/native"
  cmake -S . -B "$work/native" -DCMAKE_BUILD_TYPE=Release -DCPUINFO_ON_DEMAND=ON \
    -DCPUINFO_INCLUDE_DIR="$work/cpuinfo/usr/include" \
    -DTENSORRT_INCLUDE_DIR="${TENSORRT_INCLUDE_DIR:-}" "$@"
  cmake --build "$work/native" --target vigie --parallel "$(nproc)"
  for library in vigie.node vigie_capture.so; do
    # Of the C library each symbol has a version; one without is of a newer release than the sysroot.
    strangers=$("$tool-nm" -D --undefined-only "$work/native/Release/$library" | awk '$1 == "U" { print $2 }' |
      grep -Ev '@|^(napi|node_api|g|gst)_' || true)
    [ -z "$strangers" ] || fail "$library needs what the oldest release has not: $strangers"
  done
  [ -e "$work/native/Release/vigie_capture.so" ] || fail "vigie_capture.so was not built: the sysroot has no GStreamer"
}

# What the node needs at run time, and apart from it what ONNX Runtime does.
production_modules() {
  stamp=$(cat package-lock.json "$here/prune.sh" | sha256sum)
  [ "$(cat "$modules/.stamp" 2>/dev/null)" != "$stamp" ] || return 0
  rm -rf "$modules"
  mkdir -p "$modules/onnxruntime"
  cp package.json package-lock.json "$modules"
  set -- --omit=dev --os=linux --cpu="$cpu" --ignore-scripts --no-audit --no-fund --prefer-offline
  (
    cd "$modules"
    export ONNXRUNTIME_NODE_INSTALL=skip
    npm ci "$@"
    mv node_modules/onnxruntime-node node_modules/onnxruntime-common onnxruntime
    # Takes what only its installer needs with it.
    npm uninstall onnxruntime-node "$@"
    mv onnxruntime/* node_modules
  )
  sh "$here/prune.sh" "$arch" "$modules/node_modules"
  mv "$modules/node_modules/onnxruntime-node" "$modules/node_modules/onnxruntime-common" "$modules/onnxruntime"
  echo "$stamp" >"$modules/.stamp"
}

node_binary() {
  wanted=$(bin/node -p 'require("./package.json").devDependencies.node')
  packaged=$(bin/node -p "require('$here/runtime/package.json').optionalDependencies['node-linux-$cpu']")
  [ "$wanted" = "$packaged" ] || fail "image-build/deb/runtime/package.json names Node.js $packaged, package.json $wanted"
  ! cmp -s "$here/runtime/package-lock.json" "$work/runtime/package-lock.json" || [ ! -x "$node/bin/node" ] || return 0
  mkdir -p "$work/runtime"
  cp "$here/runtime/package.json" "$here/runtime/package-lock.json" "$work/runtime"
  (cd "$work/runtime" && npm ci --os=linux --cpu="$cpu" --ignore-scripts --no-audit --no-fund --prefer-offline)
  [ -x "$node/bin/node" ] || fail "the npm package node-linux-$cpu brought no bin/node"
}

compile() {
  rm -rf "$work/dist"
  npx tsc -p tsconfig.build.json --outDir "$work/dist" --sourceMap false
  bin/node scripts/build-stamp.ts "$work/dist"
}

# The files as they lie on a board, below $stage/tree/PACKAGE.
stage() {
  rm -rf "$stage"
  base=$stage/tree/vigie/usr/lib/vigie
  mkdir -p "$base/bin" "$base/build/native/Release" "$base/runtime/sinks/dashboard"
  cp -r "$work/dist" "$base/dist"
  cp -r "$modules/node_modules" device-profiles examples "$base"
  cp -r runtime/sinks/dashboard/public "$base/runtime/sinks/dashboard"
  cp bin/vigie "$base/bin/vigie"
  cp "$node/bin/node" "$base/bin/node"
  cp "$work/native/Release/vigie.node" "$work/lib/libcpuinfo.so.0" "$base/build/native/Release"
  bin/node "$here/documents/write.ts" "$stage/documents" "$version" "$debian_version" "$SOURCE_DATE_EPOCH" \
    "$base/node_modules" "$work/lib/BSD-2-Clause" "$maintainer"
  cp "$stage/documents/package.json" "$base"
  mkdir -p "$stage/tree/vigie/etc/vigie" "$stage/tree/vigie/usr/bin" "$stage/tree/vigie/usr/share/bash-completion/completions"
  cp "$here/vigie.yaml" "$stage/tree/vigie/etc/vigie"
  ln -s ../lib/vigie/bin/vigie "$stage/tree/vigie/usr/bin/vigie"
  cp "$stage/documents/vigie.bash" "$stage/tree/vigie/usr/share/bash-completion/completions/vigie"
  units

  camera=$stage/tree/vigie-camera/usr/lib/vigie/build/native/Release
  mkdir -p "$camera"
  cp "$work/native/Release/vigie_capture.so" "$camera"
  onnxruntime=$stage/tree/vigie-onnxruntime/usr/lib/vigie/node_modules
  mkdir -p "$onnxruntime"
  cp -r "$modules/onnxruntime/onnxruntime-node" "$modules/onnxruntime/onnxruntime-common" "$onnxruntime"

  find "$stage/tree" \( -name '*.node' -o -name '*.so' -o -name '*.so.*' -o -path '*/vigie/bin/node' \) -exec \
    "$tool-strip" --strip-unneeded --remove-section=.comment --remove-section=.note {} +
  find "$stage/tree" -type f -exec chmod 644 {} +
  chmod 755 "$base/bin/vigie" "$base/bin/node"
}

# systemd/README.md says what goes where. debhelper of Debian 12 looks for units below /lib; debian/rules moves them.
units() {
  units=$stage/tree/vigie/lib/systemd/system
  mkdir -p "$units" "$stage/tree/vigie/usr/share/polkit-1/rules.d"
  cp -rL systemd/*.service systemd/*.path systemd/*.service.d "$units"
  cp systemd/50-vigie.rules "$stage/tree/vigie/usr/share/polkit-1/rules.d"
}

package() {
  cp -r "$here/debian" "$stage/debian"
  awk -v maintainer="$maintainer" '/^Maintainer:/ { $0 = "Maintainer: " maintainer } 1' "$here/debian/control" >"$stage/debian/control"
  cp "$stage/documents/changelog" "$stage/documents/copyright" "$stage/documents/vigie.1" "$stage/debian"
  cp "$root/CHANGELOG.md" "$root/README.md" "$stage"
  cp -r docs "$stage/docs"
  cp "$node/LICENSE" "$stage/nodejs.LICENSE"
  cp systemd/sysusers.conf "$stage/debian/vigie.sysusers"
  cp systemd/tmpfiles.conf "$stage/debian/vigie.tmpfiles"
  cp systemd/60-vigie.rules "$stage/debian/vigie.udev"
  (cd "$stage" && DEB_RULES_REQUIRES_ROOT=no dpkg-architecture --host-arch "$arch" --force --command debian/rules binary)
  rm -f build/deb/*_"$arch".deb
  mv "$work"/*.deb build/deb
}

# Installed sizes as dpkg counts them, archive sizes in bytes.
report() {
  for deb in build/deb/*_"${debian_version}_$arch".deb; do
    printf '%s: %d MB installed, %d bytes\n' "$deb" "$(($(dpkg-deb -f "$deb" Installed-Size) * 1024 / 1000000))" "$(stat -c %s "$deb")"
  done
}

step() {
  began=$(date +%s)
  # In the background: set -e means nothing left of a ||.
  "$2" >"$work/$2.log" 2>&1 &
  wait $! || {
    tail -n 40 "$work/$2.log" >&2
    fail "$1 failed; $work/$2.log has all of the output"
  }
  echo "$arch: $1 done in $(($(date +%s) - began)) s"
}

need() {
  for entry; do
    command -v "${entry%%:*}" >/dev/null || fail "${entry%%:*} is missing. Run as root: apt-get install ${entry##*:}"
  done
}

fail() {
  echo "package: $1" >&2
  exit 1
}

main "$@"

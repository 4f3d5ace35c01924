#!/bin/sh
# Removes from a node_modules folder what never runs on a board: binaries of other platforms, sources, types, maps, tests,
# documentation. Licences stay.
#   sh image-build/deb/prune.sh amd64|arm64 NODE_MODULES
set -eu
arch=$1 modules=$2
case $arch in amd64) cpu=x64 ;; arm64) cpu=arm64 ;; esac

# Two packages bring binaries for every platform.
find "$modules/@serialport/bindings-cpp/prebuilds" -mindepth 1 -maxdepth 1 ! -name "linux-$cpu" -exec rm -r {} +
find "$modules/@serialport/bindings-cpp/prebuilds" -name '*.musl.node' -delete
find "$modules/onnxruntime-node/bin" -mindepth 2 -maxdepth 2 ! -name linux -exec rm -r {} +
find "$modules/onnxruntime-node/bin" -mindepth 3 -maxdepth 3 ! -name "$cpu" -exec rm -r {} +

# What only builds or installs, and editions for browsers whose Node.js edition lies beside.
rm -rf "$modules/@serialport/bindings-cpp/src" "$modules/@types" "$modules/undici-types" "$modules/zod/src" \
  "$modules/onnxruntime-node/script" "$modules/onnxruntime-node/lib" "$modules/onnxruntime-common/lib" \
  "$modules/mqtt/dist" "$modules/yaml/browser"
find "$modules" -path '*/protobufjs/*' \( -name cli -o -name dist -o -name bin -o -name scripts \) -prune -exec rm -r {} +
find "$modules" -name .bin -prune -exec rm -r {} +

# Folders with such names directly below a package; deeper down they may be the package's own modules.
find "$modules" -name package.json -printf '%h\n' | while read -r package; do
  for name in test tests example examples benchmark benchmarks bench docs doc coverage .github .husky .vscode; do
    rm -rf "${package:?}/$name"
  done
done
find "$modules" -type f \( -name '*.map' -o -name '*.ts' -o -name '*.mts' -o -name '*.cts' -o -name '*.cc' -o -name '*.h' \
  -o -name '*.gyp' -o -name '*.gypi' -o -name '*.html' -o -name '*.tsbuildinfo' -o -name '*.umd.js' -o -name '*.min.js' -o -name Makefile -o -name 'tsconfig*.json' -o -name '.*' \
  -o \( -iname '*.md' ! -iname 'licen[cs]e*' ! -iname 'notice*' ! -iname 'copying*' \) \) ! -path '*/uplot/*' -delete
# Programs of packages, which nothing here calls.
find "$modules" -type f -exec grep -l -m 1 '^#!' {} + 2>/dev/null | while read -r file; do
  case $(head -c 2 "$file") in '#!') rm "$file" ;; esac
done
find "$modules" -type d -empty -delete

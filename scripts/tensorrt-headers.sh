#!/bin/sh
# Compiles the TensorRT backend against the headers in each folder given, all warnings being errors.
# Nothing is kept.
#   sh scripts/tensorrt-headers.sh INCLUDE_DIR…
# Headers: git clone --branch v10.3.0 https://github.com/NVIDIA/TensorRT and take its folder include; where that has no
# NvOnnxParser.h, put the one of github.com/onnx/onnx-tensorrt beside, or leave it out: the backend then declares the
# few functions it calls itself.
set -eu
[ $# -gt 0 ] || { echo 'usage: sh scripts/tensorrt-headers.sh INCLUDE_DIR...' >&2; exit 2; }
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for folder in "$@"; do
  folder=$(cd "$folder" && pwd)
  rm -rf "$work/build"
  cmake -S "$root" -B "$work/build" -DCMAKE_BUILD_TYPE=Release -DTENSORRT_INCLUDE_DIR="$folder" >"$work/log" 2>&1 &&
    cmake --build "$work/build" --target vigie_tensorrt --parallel 2 >>"$work/log" 2>&1 ||
    { cat "$work/log"; echo "FAILED: $folder"; exit 1; }
  echo "ok: $(sed -n 's/^-- \(TensorRT .* headers\).*/\1/p' "$work/log") in $folder"
done

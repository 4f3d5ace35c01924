#!/bin/sh
# Fuzzes a reader of foreign bytes: plans with libFuzzer and the address sanitizer (Debian: clang), ONNX files with
# test/ota/model/fuzz/fuzz-onnx.ts, update metadata with test/ota/client/tuf/fuzz/fuzz-tuf.ts,
# messages of updates and deltas with test/ota/protocol/fuzz/fuzz-transport.ts, bundles, golden vectors, records and reports of nodes with
# test/ota/bundle/fuzz/fuzz-bundle.ts.
#   sh scripts/fuzz.sh plan|onnx|tuf|frames|delta|bundle|records|vectors [SECONDS] [FOLDER]
# What is found new goes to FOLDER (build/fuzz/ and the name); what fails is written to a file named on the last lines.
# Put the smallest file that failed into test/native/fuzz/corpus or test/ota/model/corpus, which the tests replay.
# XNNPACK_LIBRARIES: a folder with XNNPACK's libraries built with sanitizers, to look into XNNPACK too.
set -eu
cd "$(dirname "$0")/.."

target=${1:?which reader: plan, onnx, tuf, frames, delta, bundle, records or vectors}
seconds=${2:-600}
found=${3:-build/fuzz/$target}

# These readers are TypeScript: fuzzers of their own drive them.
[ "$target" != onnx ] || exec nice bin/node test/ota/model/fuzz/fuzz-onnx.ts "$seconds" "$found"
[ "$target" != tuf ] || exec nice bin/node test/ota/client/tuf/fuzz/fuzz-tuf.ts "$seconds" "$found"
case $target in
frames | delta) exec nice bin/node test/ota/protocol/fuzz/fuzz-transport.ts "$target" "$seconds" "$found" ;;
bundle | records | vectors) exec nice bin/node test/ota/bundle/fuzz/fuzz-bundle.ts "$target" "$seconds" "$found" ;;
esac
[ -f "test/native/fuzz/${target}_fuzzer.cc" ] || { echo "fuzz: there is no fuzzer $target" >&2; exit 1; }

clang=$(command -v clang++ || command -v clang++-14) || { echo "fuzz: needs clang" >&2; exit 1; }
xnnpack=build/xnnpack/$(dpkg --print-architecture)
libraries=${XNNPACK_LIBRARIES:-$xnnpack/lib}
mkdir -p "$found" build/fuzz
"$clang" -std=gnu++20 -O1 -g1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined -DVIGIE_FUZZ_MUTATOR \
  -Inative -isystem "$xnnpack/include" native/backends/*.cc native/backends/xnnpack/*.cc \
  "test/native/fuzz/${target}_fuzzer.cc" \
  "$libraries/libXNNPACK.a" "$libraries/libmicrokernels-prod.a" "$libraries/libpthreadpool.a" -lcpuinfo -lz -lpthread -lm \
  -o "build/fuzz/${target}_fuzzer"
exec nice "build/fuzz/${target}_fuzzer" -max_total_time="$seconds" -timeout=30 -rss_limit_mb=1500 -max_len=65536 -reload=0 \
  "$found" "test/native/fuzz/corpus/$target"

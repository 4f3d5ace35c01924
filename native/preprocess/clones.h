#pragma once

/// One build serves every x86-64: the loader takes the AVX2 variant of a kernel where the processor has it. On aarch64
/// NEON is the baseline.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__)
#define VIGIE_CLONES __attribute__((target_clones("avx2", "default")))
#else
#define VIGIE_CLONES
#endif

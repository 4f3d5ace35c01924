#include "xnnpack_tuning.h"

#include "xnnpack/config.h"

// Columns of two, as channels shuffled in ShuffleNet's way are split: XNNPACK's kernels for tiles of 32 x 32 bytes leave
// 30 of 32 lanes idle there. This loop becomes SIMD on every baseline.
static xnn_transposec_ukernel_fn any_width_x8;

static void transpose_x8(const void* input, void* output, size_t input_stride, size_t output_stride, size_t block_width,
                         size_t block_height) {
  if (block_width != 2 || input_stride != 2) {
    any_width_x8(input, output, input_stride, output_stride, block_width, block_height);
    return;
  }
  const uint8_t* restrict pairs = (const uint8_t*) input;
  uint8_t* restrict first = (uint8_t*) output;
  uint8_t* restrict second = first + output_stride;
  for (size_t i = 0; i < block_height; i++) {
    first[i] = pairs[2 * i];
    second[i] = pairs[2 * i + 1];
  }
}

static void tune_transpose(void) {
  struct xnn_transpose_config* config = (struct xnn_transpose_config*) xnn_init_transpose_config();
  if (config == NULL || any_width_x8 != NULL) return;
  any_width_x8 = config->x8.const_size_ukernel;
  config->x8.const_size_ukernel = transpose_x8;
  // Of 32 rows a call would take longer than its work.
  config->x8.tile_size = 256;
}

#if XNN_ENABLE_AVX512F && (defined(__x86_64__) || defined(__i386__))

#include "xnnpack/dwconv.h"
#include "xnnpack/gemm.h"
#include "xnnpack/hardware-config.h"
#include "xnnpack/igemm.h"
#include "xnnpack/packw.h"

static void use_tile(struct xnn_gemm_config* config, size_t rows, xnn_gemm_ukernel_fn gemm, xnn_igemm_ukernel_fn igemm) {
  config->minmax.gemm[rows - 1] = xnn_init_hmp_gemm_ukernel(gemm);
  config->minmax.igemm[rows - 1] = xnn_init_hmp_igemm_ukernel(igemm);
}

// XNNPACK computes 32 output channels at a time. Small detectors have layers of 16, 24 or 48, for which a
// tile of 16 leaves no lanes idle: 10 % less time over YOLOX-nano, FastestDet and MobileNet (Zen 4).
static void tune_f32_gemm(void) {
  struct xnn_gemm_config* config = (struct xnn_gemm_config*) xnn_init_f32_gemm_config();
  if (config == NULL || config->mr != 7 || config->nr != 32) return;
  use_tile(config, 1, (xnn_gemm_ukernel_fn) xnn_f32_gemm_minmax_ukernel_1x16__avx512f_broadcast,
           (xnn_igemm_ukernel_fn) xnn_f32_igemm_minmax_ukernel_1x16__avx512f_broadcast);
  use_tile(config, 7, (xnn_gemm_ukernel_fn) xnn_f32_gemm_minmax_ukernel_7x16__avx512f_broadcast,
           (xnn_igemm_ukernel_fn) xnn_f32_igemm_minmax_ukernel_7x16__avx512f_broadcast);
  config->pack_gemm_goi = (xnn_packw_gemm_goi_ukernel_fn) xnn_x32_packw_gemm_goi_ukernel_x16__avx512f_u4_prfm;
  config->nr = 16;
}

// A 5x5 depthwise kernel of bytes in 16-bit products, exact as the 32-bit ones that XNNPACK takes, in a fifth less time
// (Zen 4). For 3x3 there is nothing in it.
static void tune_qs8_depthwise(void) {
  struct xnn_dwconv_config* config = (struct xnn_dwconv_config*) xnn_init_qs8_qc8w_dwconv_config();
  if (config == NULL || config[2].primary_tile != 25 || config[2].channel_tile != 32) return;
  config[2].minmax.unipass =
      (xnn_dwconv_unipass_ukernel_fn) xnn_qs8_qc8w_dwconv_minmax_fp32_ukernel_25p16c__avx2_mul16_vpunpck;
  config[2].channel_tile = config[2].channel_subtile = config[2].channel_round = 16;
}

static void tune_for_avx512(void) {
  const struct xnn_hardware_config* hardware = xnn_init_hardware_config();
  if (hardware == NULL || !hardware->use_x86_avx512f) return;
  tune_f32_gemm();
  tune_qs8_depthwise();
}

#else

static void tune_for_avx512(void) {}

#endif

void xnn_tune(void) {
  tune_transpose();
  tune_for_avx512();
}

#pragma once

// An addition to XNNPACK's public functions, built into the same library because it needs the private headers.

#ifdef __cplusplus
extern "C" {
#endif

/// Replaces kernels where others of XNNPACK's own were measured to be faster on the models of `vigie bench inference`. To be
/// called once, after xnn_initialize and before any operator is created.
void xnn_tune(void);

#ifdef __cplusplus
}
#endif

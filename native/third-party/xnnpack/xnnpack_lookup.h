#pragma once

// An addition to XNNPACK's public functions, built into the same library because it needs the private headers.

#include <xnnpack.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Defines a node that writes table[x] for each byte x of the input (for qint8: its two's complement as an index), with
/// XNNPACK's SIMD kernel for tables.
///
/// @param table 256 bytes that have to stay valid until the runtime is created from the subgraph.
/// @param input_id dense qint8 or quint8 value.
/// @param output_id dense qint8 or quint8 value of the same shape.
enum xnn_status xnn_define_lookup(xnn_subgraph_t subgraph, const uint8_t* table, uint32_t input_id, uint32_t output_id);

#ifdef __cplusplus
}
#endif

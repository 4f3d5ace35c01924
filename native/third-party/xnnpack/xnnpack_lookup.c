#include "xnnpack_lookup.h"

#include <string.h>

#include "xnnpack/operator.h"
#include "xnnpack/subgraph.h"

// XNNPACK runs a unary operator from bytes to bytes that has no kernel of its own as a look-up in a table that it fills
// at creation. This is such an operator with another table.
static enum xnn_status create_lookup(
    const struct xnn_node* node, const struct xnn_value* values, size_t num_values, struct xnn_operator_data* opdata,
    struct xnn_code_cache* code_cache, xnn_weights_cache_t weights_cache) {
  (void) values;
  (void) num_values;
  (void) code_cache;
  (void) weights_cache;
  const struct xnn_quantization_params any = {.zero_point = 0, .scale = 1.0f};
  // Both ends are given as the same type: the operator moves bytes whatever they stand for.
  const enum xnn_status status = xnn_create_unary_elementwise_nc(
      xnn_unary_sigmoid, xnn_datatype_quint8, xnn_datatype_quint8, NULL, &any, &any, node->flags,
      &opdata->operator_objects[0]);
  if (status != xnn_status_success) return status;
  if (opdata->operator_objects[0]->lookup_table == NULL) return xnn_status_unsupported_hardware;
  const uint8_t* table;
  memcpy(&table, &node->params, sizeof(table));
  memcpy(opdata->operator_objects[0]->lookup_table, table, 256);
  return xnn_status_success;
}

static int is_byte(const struct xnn_value* value) {
  return value->datatype == xnn_datatype_qint8 || value->datatype == xnn_datatype_quint8;
}

enum xnn_status xnn_define_lookup(xnn_subgraph_t subgraph, const uint8_t* table, uint32_t input_id, uint32_t output_id) {
  if (table == NULL || input_id >= subgraph->num_values || output_id >= subgraph->num_values ||
      !is_byte(&subgraph->values[input_id]) || !is_byte(&subgraph->values[output_id])) {
    return xnn_status_invalid_parameter;
  }
  const enum xnn_status status = xnn_define_unary(subgraph, xnn_unary_sigmoid, NULL, input_id, output_id, 0);
  if (status != xnn_status_success) return status;
  struct xnn_node* node = &subgraph->nodes[subgraph->num_nodes - 1];
  memcpy(&node->params, &table, sizeof(table));
  node->create = create_lookup;
  return xnn_status_success;
}

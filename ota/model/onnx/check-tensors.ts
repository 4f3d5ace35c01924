/** Checks every tensor of a model, also in attributes, subgraphs and functions, before another reader sees the file. */

import { ModelError } from '../../../runtime/core/errors.ts';
import { type ExternalData, isExternal } from './external-data.ts';
import type { Decoded } from './messages.ts';
import {
  checkedShape,
  elementCount,
  elementType,
  firstNonFinite,
  readTensor,
  sizeOf,
} from './tensor-data.ts';

type GraphMessage = Decoded<'Graph'>;
type TensorMessage = Decoded<'Tensor'>;
type NodeMessage = Decoded<'Node'>;

const STRING = 8;

/**
 * @param external reads external data of the main graph's initialisers; elsewhere there must be none
 * @returns the initialisers, with external data inlined
 * @throws ModelError `onnx-tensor`, `onnx-type`, `onnx-external-data`, `onnx-non-finite`, `onnx-sparse`
 */
export function checkTensors(
  model: Decoded<'Model'>,
  external: ExternalData,
  allowNonFinite: boolean,
): readonly TensorMessage[] {
  const graph = model.graph ?? {};
  refuseSparse(graph);
  const initializers = (graph.initializer ?? []).map((tensor) => {
    const inlined = isExternal(tensor) ? inline(tensor, external) : tensor;
    checkTensor(inlined, `initialiser \`${tensor.name}\``, allowNonFinite);
    return inlined;
  });
  checkNodes(graph.node, allowNonFinite);
  for (const { node } of model.functions ?? []) checkNodes(node, allowNonFinite);
  return initializers;
}

function checkNodes(nodes: readonly NodeMessage[] | undefined, allowNonFinite: boolean): void {
  for (const { name, opType, attribute } of nodes ?? []) {
    for (const { name: key, t, g, graphs } of attribute ?? []) {
      const what = `attribute \`${key}\` of node ${name || opType}`;
      // A constant that stands for "no limit" is infinite in good models.
      if (t) checkTensor(t, what, true);
      for (const inner of [...(g ? [g] : []), ...(graphs ?? [])]) {
        refuseSparse(inner);
        for (const tensor of inner.initializer ?? []) {
          checkTensor(tensor, `initialiser \`${tensor.name}\` in ${what}`, allowNonFinite);
        }
        checkNodes(inner.node, allowNonFinite);
      }
    }
  }
}

function checkTensor(tensor: TensorMessage, what: string, allowNonFinite: boolean): void {
  if (isExternal(tensor)) {
    throw new ModelError(
      'onnx-external-data',
      `${what} has external data; only initialisers of the main graph may`,
    );
  }
  if (tensor.dataType === STRING) return;
  const constant = readTensor(tensor, what);
  const at = allowNonFinite ? -1 : firstNonFinite(constant);
  if (at >= 0) {
    throw new ModelError(
      'onnx-non-finite',
      `${what} holds NaN or infinity at element ${at}: the model is broken, or allowNonFinite must be set`,
      { facts: { tensor: tensor.name, element: at } },
    );
  }
}

function inline(tensor: TensorMessage, external: ExternalData): TensorMessage {
  const what = `initialiser \`${tensor.name}\``;
  const type = elementType(tensor.dataType, what);
  const bytes = elementCount(checkedShape(tensor.dims, type, what)) * sizeOf(type);
  const { name, dims, dataType } = tensor;
  return {
    ...(name && { name }),
    ...(dims && { dims }),
    ...(dataType && { dataType }),
    rawData: external.read(tensor, bytes),
  };
}

function refuseSparse(graph: GraphMessage): void {
  const sparse = graph.sparseInitializer?.[0];
  if (!sparse) return;
  throw new ModelError(
    'onnx-sparse',
    `initialiser \`${sparse.values?.name ?? ''}\` is sparse; export the model with dense weights`,
    { facts: { tensor: sparse.values?.name } },
  );
}

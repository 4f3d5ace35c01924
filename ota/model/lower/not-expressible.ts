import { ModelError } from '../../../runtime/core/errors.ts';

/** A node that XNNPACK cannot run with the result that ONNX asks for. */
export interface UnsupportedNode {
  /** The ONNX node's name. */
  readonly node: string;
  readonly op: string;
  readonly reason: string;
}

/** Thrown while one node is lowered; the driver collects them and goes on with the next node. */
export class NotExpressible extends ModelError {
  constructor(reason: string) {
    super('model-unsupported', reason);
  }
}

export function refuse(reason: string): never {
  throw new NotExpressible(reason);
}

/** @returns the error `model-unsupported` that names every node in its text and in `facts.nodes` */
export function unsupportedModel(model: string, nodes: readonly UnsupportedNode[]): ModelError {
  const list = nodes.map(({ node, op, reason }) => `\n  node "${node}" (${op}): ${reason}`).join('');
  return new ModelError(
    'model-unsupported',
    `${model} cannot become an XNNPACK plan because of ${nodes.length === 1 ? 'a node' : `${nodes.length} nodes`}:` +
      `${list}\nkeep this model on the backend onnxruntime, which runs it as it is`,
    { facts: { model, nodes } },
  );
}

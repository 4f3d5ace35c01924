/** Relu and Clip behind an operator become its own bounds. */

import type { Node } from '../graph.ts';
import type { Lowering } from './lowering.ts';
import { refuse } from './not-expressible.ts';

export interface Bounded {
  /** The ONNX value that holds the result after the bounds. */
  readonly name: string;
  readonly bounds: { readonly min?: number; readonly max?: number };
}

/** Follows the value through the Relu and Clip nodes that alone read it, and takes those over. */
export function absorbBounds(lowering: Lowering, output: string): Bounded {
  let name = output;
  let min = Number.NEGATIVE_INFINITY;
  let max = Number.POSITIVE_INFINITY;
  const nodes: Node[] = [];
  for (;;) {
    const node = lowering.soleConsumer(name);
    if (!node || !isBound(lowering, node) || !sameScale(lowering, name, node.outputs[0]!)) break;
    const own = boundsOf(lowering, node);
    // Clip first raises to min and then lowers to max; after that order, one pair of bounds says the same.
    min = clampNumber(min, own);
    max = clampNumber(max, own);
    nodes.push(node);
    name = node.outputs[0]!;
  }
  if (nodes.length > 0) lowering.noteFusion(...nodes);
  return { name, bounds: finite(min, max) };
}

function isBound(lowering: Lowering, node: Node): boolean {
  if (node.domain !== '') return false;
  if (node.op === 'Relu') return true;
  return node.op === 'Clip' && node.inputs.slice(1).every((name) => name === '' || lowering.constant(name));
}

/** @throws NotExpressible when the bounds are no constants */
export function boundsOf(lowering: Lowering, node: Node): { min: number; max: number } {
  if (node.op === 'Relu') return { min: 0, max: Number.POSITIVE_INFINITY };
  const from = (index: number, attribute: string, missing: number) => {
    const given = lowering.numbers(node, index)?.[0] ?? node.attributes.get(attribute);
    return typeof given === 'number' ? given : missing;
  };
  const min = from(1, 'min', Number.NEGATIVE_INFINITY);
  const max = from(2, 'max', Number.POSITIVE_INFINITY);
  if (Number.isNaN(min) || Number.isNaN(max)) refuse('one of its bounds is not a number');
  // ONNX: where min is above max, everything becomes max.
  return { min: Math.min(min, max), max };
}

/** Bounds as a plan writes them: those that bound nothing are left out. */
export function finite(min: number, max: number): Bounded['bounds'] {
  return { ...(min > LOWEST && { min }), ...(max < -LOWEST && { max }) };
}

const LOWEST = -3.4028234663852886e38;

function clampNumber(value: number, { min, max }: { min: number; max: number }): number {
  return Math.min(Math.max(value, min), max);
}

/** A value between that was rounded to a scale of its own may not be skipped. */
function sameScale(lowering: Lowering, before: string, after: string): boolean {
  const a = lowering.value(before).quantization;
  const b = lowering.value(after).quantization;
  if (!a) return true;
  return a.scale[0] === b?.scale[0] && a.zeroPoint[0] === b?.zeroPoint[0];
}

/** Operators on one tensor, element by element. */

import type { Node } from '../../graph.ts';
import type { UnaryKind } from '../../plan/plan.ts';
import { numberOf, stringOf } from '../attributes.ts';
import { absorbBounds, boundsOf, finite } from '../bounds.ts';
import { Composition, unary } from '../elementwise.ts';
import type { Lowering } from '../lowering.ts';
import { refuse } from '../not-expressible.ts';
import type { Lower } from '../registry.ts';

export function unaryOp(kind: UnaryKind): Lower {
  return (node, lowering) => unary(lowering, kind, node.inputs[0]!, node.outputs[0]!);
}

/** Relu, Clip: a bound that no operator before took over. */
export function clamp(node: Node, lowering: Lowering): void {
  const { min, max } = boundsOf(lowering, node);
  const bounds = finite(min, max);
  const [input] = node.inputs as [string];
  if (Object.keys(bounds).length === 0) identity(node, lowering);
  else unary(lowering, 'clamp', input, node.outputs[0]!, bounds);
}

/** Identity, Dropout, Cast and others that change nothing. */
export function identity(node: Node, lowering: Lowering): void {
  const [input] = node.inputs as [string];
  if (node.outputs.slice(1).some((name) => name !== '' && lowering.consumers(name).length > 0)) {
    refuse('its second output is read');
  }
  lowering.place(node.outputs[0]!, lowering.placed(input));
}

export function cast(node: Node, lowering: Lowering): void {
  const from = lowering.value(node.inputs[0]!).type;
  const to = lowering.value(node.outputs[0]!).type;
  if (from !== to) refuse(`it converts ${from} to ${to}`);
  identity(node, lowering);
}

export function leakyRelu(node: Node, lowering: Lowering): void {
  const alpha = numberOf(node, 'alpha', 0.01);
  unary(lowering, 'leakyRelu', node.inputs[0]!, node.outputs[0]!, { alpha });
}

export function elu(node: Node, lowering: Lowering): void {
  const alpha = numberOf(node, 'alpha', 1);
  if (!(alpha > 0)) refuse(`its alpha is ${alpha}; XNNPACK's is above 0`);
  unary(lowering, 'elu', node.inputs[0]!, node.outputs[0]!, { alpha });
}

/** max(0, min(1, alpha · x + beta)) */
export function hardSigmoid(node: Node, lowering: Lowering): void {
  const { id, order } = lowering.placed(node.inputs[0]!);
  const steps = new Composition(lowering, node.outputs[0]!, order);
  const scaled = steps.binary('multiply', id, { number: numberOf(node, 'alpha', 0.2) });
  const { name, bounds } = absorbBounds(lowering, node.outputs[0]!);
  const min = Math.max(0, bounds.min ?? 0);
  const max = Math.min(1, bounds.max ?? 1);
  const beta = { number: numberOf(node, 'beta', 0.5) };
  steps.binary('add', scaled, beta, { min, max }, lowering.output(name, order));
}

export function gelu(node: Node, lowering: Lowering): void {
  const [input] = node.inputs as [string];
  const [output] = node.outputs as [string];
  if (stringOf(node, 'approximate', 'none') === 'none') {
    unary(lowering, 'gelu', input, output);
    return;
  }
  // 0.5 · x · (1 + tanh(√(2/π) · (x + 0.044715 · x³)))
  const { id, order } = lowering.placed(input);
  const steps = new Composition(lowering, output, order);
  const bend = steps.binary('multiply', steps.unary('square', id), { number: 0.044715 });
  const inner = steps.binary('multiply', steps.binary('add', bend, { number: 1 }), id);
  const tanh = steps.unary('tanh', steps.binary('multiply', inner, { number: Math.sqrt(2 / Math.PI) }));
  const half = steps.binary('multiply', id, { number: 0.5 });
  steps.binary(
    'multiply',
    steps.binary('add', tanh, { number: 1 }),
    half,
    {},
    lowering.output(output, order),
  );
}

/** 1 / x */
export function reciprocal(node: Node, lowering: Lowering): void {
  const { id, order } = lowering.placed(node.inputs[0]!);
  const one = lowering.floats([1], [1]);
  const output = lowering.output(node.outputs[0]!, order);
  lowering.emit({ op: 'binary', kind: 'divide', inputs: [one, id], outputs: [output] });
}

/** log(1 + exp(x)) as max(x, 0) + log(1 + exp(-|x|)), which does not overflow. */
export function softplus(node: Node, lowering: Lowering): void {
  const { id, order } = lowering.placed(node.inputs[0]!);
  const steps = new Composition(lowering, node.outputs[0]!, order);
  const exp = steps.unary('exp', steps.unary('negate', steps.unary('abs', id)));
  const log = steps.unary('log', steps.binary('add', exp, { number: 1 }));
  const positive = steps.unary('clamp', id, { min: 0 });
  steps.binary('add', positive, log, {}, lowering.output(node.outputs[0]!, order));
}

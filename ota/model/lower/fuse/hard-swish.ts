/** x · HardSigmoid(x) and x · Relu6(x + 3) / 6 are HardSwish. */

import type { Node } from '../../graph.ts';
import { numberOf } from '../attributes.ts';
import type { Rewriter } from './rewriter.ts';

export function recogniseHardSwish(rewriter: Rewriter): void {
  for (const node of rewriter.nodes) {
    if (node.domain !== '' || (node.op !== 'Mul' && node.op !== 'Div') || !rewriter.isPresent(node)) continue;
    const found = ofHardSigmoid(rewriter, node) ?? ofRelu6(rewriter, node);
    if (!found || rewriter.value(found.x)?.quantization || rewriter.value(node.outputs[0]!)?.quantization)
      continue;
    rewriter.replace([...found.inner, node], {
      ...node,
      op: 'HardSwish',
      inputs: [found.x],
      attributes: new Map(),
    });
  }
}

interface Found {
  readonly x: string;
  /** The nodes that go, besides the last. */
  readonly inner: readonly Node[];
}

function ofHardSigmoid(rewriter: Rewriter, mul: Node): Found | undefined {
  if (mul.op !== 'Mul') return undefined;
  for (const [x, gate] of pairs(mul)) {
    const sigmoid = inner(rewriter, gate, 'HardSigmoid');
    if (sigmoid?.inputs[0] !== x) continue;
    const alpha = numberOf(sigmoid, 'alpha', 0.2);
    if (near(alpha, 1 / 6) && numberOf(sigmoid, 'beta', 0.5) === 0.5) return { x, inner: [sigmoid] };
  }
  return undefined;
}

/** Mul(x, relu6 / 6), Mul(x, relu6) / 6 and with · 1/6 for / 6. */
function ofRelu6(rewriter: Rewriter, last: Node): Found | undefined {
  const scaled = sixth(rewriter, last);
  if (scaled !== undefined) {
    const mul = inner(rewriter, scaled, 'Mul');
    if (!mul) return undefined;
    for (const [x, gate] of pairs(mul)) {
      const found = relu6(rewriter, gate, x);
      if (found) return { x, inner: [...found, mul] };
    }
    return undefined;
  }
  if (last.op !== 'Mul') return undefined;
  for (const [x, gate] of pairs(last)) {
    const node = inner(rewriter, gate, 'Div') ?? inner(rewriter, gate, 'Mul');
    const clipped = node && sixth(rewriter, node);
    const found = clipped === undefined ? undefined : relu6(rewriter, clipped, x);
    if (node && found) return { x, inner: [...found, node] };
  }
  return undefined;
}

/** What the node divides by 6. */
function sixth(rewriter: Rewriter, node: Node): string | undefined {
  const [a, b] = node.inputs as [string, string];
  if (node.op === 'Div') return rewriter.scalar(b) === 6 ? a : undefined;
  if (near(rewriter.scalar(b) ?? 0, 1 / 6)) return a;
  return near(rewriter.scalar(a) ?? 0, 1 / 6) ? b : undefined;
}

/** Clip(x + 3, 0, 6) */
function relu6(rewriter: Rewriter, name: string, x: string): Node[] | undefined {
  const clip = inner(rewriter, name, 'Clip');
  if (!clip) return undefined;
  const min = rewriter.scalar(clip.inputs[1]) ?? clip.attributes.get('min');
  const max = rewriter.scalar(clip.inputs[2]) ?? clip.attributes.get('max');
  const add = inner(rewriter, clip.inputs[0]!, 'Add');
  if (min !== 0 || max !== 6 || !add) return undefined;
  return pairs(add).some(([a, b]) => a === x && rewriter.scalar(b) === 3) ? [add, clip] : undefined;
}

function pairs({ inputs }: Node): [string, string][] {
  const [a, b] = inputs as [string, string];
  return [
    [a, b],
    [b, a],
  ];
}

/** The node of this operator that makes the value, where one node alone reads it. */
function inner(rewriter: Rewriter, name: string, op: string): Node | undefined {
  const node = rewriter.producer(name);
  return node?.op === op && node.domain === '' && rewriter.isInternal(name) ? node : undefined;
}

function near(a: number, b: number): boolean {
  return Math.abs(a - b) < 1e-6;
}

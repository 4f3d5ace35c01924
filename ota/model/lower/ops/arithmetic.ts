/** Add, Mul and the others that take two or more tensors. */

import type { Node } from '../../graph.ts';
import type { BinaryKind } from '../../plan/plan.ts';
import { numberOf, numbersIn } from '../attributes.ts';
import { aligned, binary, Composition, commonOrder, unary } from '../elementwise.ts';
import type { Lowering } from '../lowering.ts';
import { refuse } from '../not-expressible.ts';
import type { Lower } from '../registry.ts';

export function binaryOp(kind: BinaryKind): Lower {
  return (node, lowering) => {
    const [a, b] = node.inputs as [string, string];
    // Before opset 7 operands were aligned by attributes.
    if (numberOf(node, 'broadcast', 0) !== 0 || node.attributes.has('axis'))
      refuse('it broadcasts as before opset 7');
    binary(lowering, kind, a, b, node.outputs[0]!);
  };
}

/** Sum, Min, Max, Mean of one or more tensors. */
export function variadic(kind: BinaryKind, mean = false): Lower {
  return (node, lowering) => {
    const [output] = node.outputs as [string];
    const names = node.inputs;
    if (names.length === 1) {
      lowering.place(output, lowering.placed(names[0]!));
      return;
    }
    if (names.length === 2 && !mean) {
      binary(lowering, kind, names[0]!, names[1]!, output);
      return;
    }
    const order = commonOrder(lowering, names, lowering.shape(output).length);
    const parts = names.map((name) => aligned(lowering, name, order));
    const steps = new Composition(lowering, output, order);
    const shape = lowering.shape(output);
    // From the input of the output's shape on, each step has that shape.
    const whole = names.findIndex((name) => lowering.shape(name).join() === shape.join());
    if (whole < 0) refuse(`none of its ${names.length} inputs has the shape of its output`);
    const rest = parts.filter((_, i) => i !== whole);
    let sum = parts[whole]!;
    for (const [i, part] of rest.entries()) {
      const last = i === rest.length - 1 && !mean;
      sum = steps.binary(kind, sum, part, {}, last ? lowering.output(output, order) : undefined);
    }
    if (mean) steps.binary('multiply', sum, { number: 1 / names.length }, {}, lowering.output(output, order));
  };
}

export function pow(node: Node, lowering: Lowering): void {
  const [base, exponent] = node.inputs as [string, string];
  const [output] = node.outputs as [string];
  const constant = lowering.constant(exponent);
  const numbers = constant ? numbersIn(constant) : [];
  const same = lowering.shape(base).join() === lowering.shape(output).join();
  const one =
    same && numbers.length > 0 && numbers.every((number) => number === numbers[0]) ? numbers[0] : undefined;
  if (one === 1) lowering.place(output, lowering.placed(base));
  else if (one === 2) unary(lowering, 'square', base, output);
  else if (one === 0.5) unary(lowering, 'squareRoot', base, output);
  else if (constant && constant.type !== 'float32') refuse(`its exponent is ${constant.type}`);
  else binary(lowering, 'pow', base, exponent, output);
}

export function prelu(node: Node, lowering: Lowering): void {
  const [input, slope] = node.inputs as [string, string];
  binary(lowering, 'prelu', input, slope, node.outputs[0]!);
}

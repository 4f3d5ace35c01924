/** Gives every input of the graph a static shape: from the caller, or 1 for a free leading dimension. */

import { InputError } from '../../../runtime/core/errors.ts';
import type { ElementType } from '../graph.ts';
import type { Decoded } from './messages.ts';
import { checkedShape, elementType } from './tensor-data.ts';

export interface BoundInput {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly number[];
}

export type Shapes = Readonly<Record<string, readonly number[]>>;

type Dimension = Decoded<'Dimension'>;

/**
 * A symbol that the caller bound through one input holds for the others.
 * @throws InputError `shape-unknown-input`, `shape-mismatch`, `shape-free`; ModelError `onnx-type`
 */
export function bindInputs(inputs: readonly Decoded<'ValueInfo'>[], shapes: Shapes): BoundInput[] {
  const names = inputs.map(({ name }) => name!);
  for (const [name, shape] of Object.entries(shapes)) {
    if (!names.includes(name)) {
      throw new InputError(
        'shape-unknown-input',
        `a shape is given for \`${name}\`, but the model's inputs are ${names.join(', ') || 'none'}`,
      );
    }
    if (!shape.every((size) => Number.isSafeInteger(size) && size >= 1)) {
      throw new InputError(
        'shape-mismatch',
        `the shape [${shape}] given for \`${name}\` must hold whole numbers from 1 on`,
      );
    }
  }
  const symbols = new Map<string, number>();
  for (const input of inputs) learnSymbols(input, shapes, symbols);
  return inputs.map((input) => bind(input, shapes, symbols));
}

function dimensions(input: Decoded<'ValueInfo'>): readonly Dimension[] | undefined {
  const shape = input.type?.tensorType?.shape;
  return shape && (shape.dim ?? []);
}

const isFree = (dim: Dimension): boolean => dim.value === undefined || dim.value < 0n;

function learnSymbols(input: Decoded<'ValueInfo'>, shapes: Shapes, symbols: Map<string, number>): void {
  const given = shapes[input.name!];
  const dims = dimensions(input);
  if (!given || !dims) return;
  const fits =
    given.length === dims.length &&
    dims.every((dim, axis) => isFree(dim) || Number(dim.value) === given[axis]);
  if (!fits) {
    throw new InputError(
      'shape-mismatch',
      `input \`${input.name}\` is ${show(dims)}, but the shape [${given}] was given`,
    );
  }
  dims.forEach((dim, axis) => {
    if (!isFree(dim) || !dim.param) return;
    const known = symbols.get(dim.param);
    if (known !== undefined && known !== given[axis]) {
      throw new InputError(
        'shape-mismatch',
        `dimension \`${dim.param}\` is ${known} in one given shape and ${given[axis]} in that of \`${input.name}\``,
      );
    }
    symbols.set(dim.param, given[axis]!);
  });
}

function bind(input: Decoded<'ValueInfo'>, shapes: Shapes, symbols: ReadonlyMap<string, number>): BoundInput {
  const what = `input \`${input.name}\``;
  const type = elementType(input.type?.tensorType?.elemType, what);
  const dims = dimensions(input);
  const given = shapes[input.name!];
  if (!dims && !given) throw free(input.name!, 'its rank is not known', '…');
  const sizes = given ?? dims!.map((dim, axis) => size(input.name!, dims!, dim, axis, symbols));
  return { name: input.name!, type, shape: checkedShape(BigInt64Array.from(sizes, BigInt), type, what) };
}

function size(
  name: string,
  dims: readonly Dimension[],
  dim: Dimension,
  axis: number,
  symbols: ReadonlyMap<string, number>,
): number {
  if (!isFree(dim)) return Number(dim.value);
  const bound = dim.param ? symbols.get(dim.param) : undefined;
  if (bound !== undefined) return bound;
  // A leading dimension is the batch; plans are made for one item at a time unless told otherwise.
  if (axis === 0) return 1;
  const example = dims.map((one, at) => (isFree(one) ? (at === 0 ? 1 : '…') : one.value)).join(',');
  throw free(name, `it is ${show(dims)}, and dimension ${axis} is free`, example);
}

function free(name: string, why: string, example: string): InputError {
  return new InputError(
    'shape-free',
    `input \`${name}\` has no static shape: ${why}; give it, as shapes: { '${name}': [${example}] } ` +
      `or --shape ${name}=${example}`,
    { facts: { input: name } },
  );
}

function show(dims: readonly Dimension[]): string {
  return `[${dims.map((dim) => (isFree(dim) ? dim.param || '?' : dim.value)).join(',')}]`;
}

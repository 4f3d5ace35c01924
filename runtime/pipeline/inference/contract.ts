/** Inputs against a model's contract, the same for every backend. */

import { InputError } from '../../core/errors.ts';
import { nearestName } from '../../core/nearest-name.ts';
import { TENSOR_ARRAYS } from '../../core/tensor.ts';
import type { SessionFacts, Tensor, TensorData, TensorInfo, Tensors, TensorType } from './session.ts';

interface ArrayConstructor {
  readonly name: string;
  new (length: number): TensorData;
}

/** The kind of typed array that holds elements of a type. */
export function arrayOf(type: TensorType): ArrayConstructor {
  return TENSOR_ARRAYS[type];
}

/**
 * The inputs in the order of the contract.
 * @param model how errors name it.
 * @throws InputError `bad-argument` that names the model, the input, what was given and what is expected.
 */
export function inOrder(model: string, facts: SessionFacts, inputs: Tensors): Tensor[] {
  if (typeof inputs !== 'object' || inputs === null) {
    throw bad(model, `the inputs are ${kindOf(inputs)}, the model takes ${listed(facts.inputs)} by name`);
  }
  const ordered = facts.inputs.map((info) => checked(model, facts, info, inputs));
  if (Object.keys(inputs).length !== ordered.length) throw unknownName(model, facts, inputs);
  return ordered;
}

function checked(model: string, facts: SessionFacts, info: TensorInfo, inputs: Tensors): Tensor {
  const given = Object.hasOwn(inputs, info.name) ? inputs[info.name] : undefined;
  if (given === undefined) throw missing(model, facts, info, inputs);
  const what = `input "${info.name}"`;
  if (typeof given !== 'object' || given === null || !Array.isArray(given.shape)) {
    throw bad(model, `${what} is ${kindOf(given)}, the model takes { type, shape, data }`);
  }
  if (given.type !== info.type) {
    throw bad(model, `${what} is of type ${String(given.type)}, the model takes ${info.type}`);
  }
  const Wanted = TENSOR_ARRAYS[info.type];
  if (!(given.data instanceof Wanted)) {
    throw bad(
      model,
      `${what} holds ${kindOf(given.data)}, the model takes a ${Wanted.name} for ${info.type}`,
    );
  }
  if (!fits(given.shape, info.shape)) {
    throw bad(model, `${what} has the shape [${given.shape.join(', ')}], the model takes ${shapeText(info)}`);
  }
  const elements = given.shape.reduce((product, size) => product * size, 1);
  if (given.data.length !== elements) {
    const gone =
      given.data.length === 0 ? '; the array is empty, or its memory was transferred or shrunk' : '';
    const text = `${what} has ${given.data.length} elements, its shape [${given.shape.join(', ')}] needs ${elements}`;
    throw bad(model, text + gone);
  }
  return given;
}

function fits(given: readonly number[], wanted: readonly number[]): boolean {
  if (given.length !== wanted.length) return false;
  for (let axis = 0; axis < wanted.length; axis++) {
    const size = given[axis]!;
    if (!Number.isSafeInteger(size) || size < 0) return false;
    if (wanted[axis] !== -1 && wanted[axis] !== size) return false;
  }
  return true;
}

function missing(model: string, facts: SessionFacts, info: TensorInfo, inputs: Tensors): InputError {
  const others = Object.keys(inputs).filter((name) => !facts.inputs.some((input) => input.name === name));
  const near = nearestName(info.name, others);
  const given = Object.keys(inputs).map(quoted).join(', ') || 'none';
  const hint = near ? `; is "${near}" meant for it?` : '';
  return bad(
    model,
    `input "${info.name}" (${info.type} ${shapeText(info)}) is missing; given: ${given}${hint}`,
  );
}

function unknownName(model: string, facts: SessionFacts, inputs: Tensors): InputError {
  const names = facts.inputs.map(({ name }) => name);
  const unknown = Object.keys(inputs).find((name) => !names.includes(name)) ?? '';
  const near = nearestName(unknown, names);
  const hint = near ? `; did you mean "${near}"?` : '';
  return bad(model, `there is no input "${unknown}"; the model takes ${listed(facts.inputs)}${hint}`);
}

const quoted = (name: string): string => `"${name}"`;

function listed(infos: readonly TensorInfo[]): string {
  return infos.map((info) => `"${info.name}" (${info.type} ${shapeText(info)})`).join(', ') || 'no inputs';
}

/** `[1, 3, ?, ?]` */
function shapeText({ shape }: TensorInfo): string {
  return `[${shape.map((size) => (size < 0 ? '?' : size)).join(', ')}]`;
}

function kindOf(value: unknown): string {
  if (value === null || typeof value !== 'object')
    return typeof value === 'string' ? 'a string' : String(value);
  return `a ${value.constructor?.name ?? 'object'}`;
}

function bad(model: string, text: string): InputError {
  return new InputError('bad-argument', `${model}: ${text}`);
}

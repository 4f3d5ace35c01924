/** Reads the header of a plan file, for `vigie model inspect`. The node's own reader is native/backends/xnnpack. */

import { readFileSync, statSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { InputError, ModelError } from '../../../runtime/core/errors.ts';
import { PLAN_MAGIC, PLAN_VERSION, type Plan } from './plan.ts';
import { MOST_HEADER_BYTES, PLAN_FIXED_BYTES } from './write.ts';

export interface PlanFile {
  readonly plan: Plan;
  readonly bytes: number;
  readonly weightBytes: number;
}

/** A model for a board comes nowhere near. */
const MOST_BYTES = 2 ** 31 - 1;

/** Whether a file starts as a plan does. */
export const isPlan = (start: Uint8Array): boolean =>
  Buffer.from(start.subarray(0, PLAN_MAGIC.length)).toString('latin1') === PLAN_MAGIC;

/** @throws InputError `model-unreadable`, `model-too-large`; ModelError `bad-model`, `model-newer`. */
export function readPlan(path: string): PlanFile {
  const bytes = readBytes(path);
  const refuse = (why: string) =>
    new ModelError('bad-model', `${path} is no plan: ${why}; compile it again`, { facts: { file: path } });
  if (!isPlan(bytes)) throw refuse('it does not start as one');
  if (bytes.length < PLAN_FIXED_BYTES) throw refuse('it is cut short');
  const version = bytes.readUInt32LE(8);
  if (version > PLAN_VERSION) {
    const message = `${path} is a plan of version ${version}; this Vigie reads up to ${PLAN_VERSION}: bring Vigie up to date, or compile the model with this one`;
    throw new ModelError('model-newer', message, { facts: { file: path, version } });
  }
  const headerBytes = bytes.readUInt32LE(12);
  const offset = bytes.readBigUInt64LE(16);
  const length = bytes.readBigUInt64LE(24);
  if (headerBytes > MOST_HEADER_BYTES || BigInt(PLAN_FIXED_BYTES + headerBytes) > offset)
    throw refuse(`a header of ${headerBytes} bytes does not fit before its weights`);
  if (offset + length !== BigInt(bytes.length))
    throw refuse(`it has ${bytes.length} bytes, not ${offset + length}: it was cut short`);
  const header = bytes.subarray(PLAN_FIXED_BYTES, PLAN_FIXED_BYTES + headerBytes);
  const weights = bytes.subarray(Number(offset));
  if (crc32(weights, crc32(header)) !== bytes.readUInt32LE(32)) throw refuse('its checksum is wrong');
  return { plan: parseHeader(header, refuse), bytes: bytes.length, weightBytes: weights.length };
}

/** Checks what this side shows; what runs is checked in full by the node's reader. */
function parseHeader(header: Buffer, refuse: (why: string) => ModelError): Plan {
  let plan: Partial<Plan> | null;
  try {
    plan = JSON.parse(header.toString('utf8')) as Partial<Plan> | null;
  } catch {
    throw refuse('its header is no JSON');
  }
  const ports = [...list(plan?.inputs), ...list(plan?.outputs)];
  const lists = [plan?.inputs, plan?.outputs, plan?.values, plan?.nodes];
  const whole =
    lists.every(Array.isArray) &&
    typeof plan?.model?.name === 'string' &&
    ports.every((port) => typeof port?.name === 'string' && Array.isArray(port.shape)) &&
    list(plan.values).every((value) => Array.isArray(value?.dims)) &&
    list(plan.nodes).every((node) => typeof node?.op === 'string' && typeof node.from === 'string');
  if (!whole) throw refuse('its header lacks parts');
  return plan as Plan;
}

const list = <T>(value: readonly T[] | undefined): readonly (T | undefined)[] =>
  Array.isArray(value) ? value : [];

function readBytes(path: string): Buffer {
  try {
    const { size } = statSync(path);
    if (size > MOST_BYTES)
      throw new InputError('model-too-large', `${path} has ${size} bytes; models are read up to 2 GiB`);
    return readFileSync(path);
  } catch (cause) {
    if (cause instanceof InputError) throw cause;
    throw new InputError('model-unreadable', `cannot read ${path}`, { cause, facts: { file: path } });
  }
}

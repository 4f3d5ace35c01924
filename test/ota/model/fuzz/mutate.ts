/** Changes ONNX files where a byte-wise mutator rarely gets: whole fields, with every length around them put right. */

import protobuf from 'protobufjs/minimal.js';
import { type FieldSpec, MESSAGES, type MessageName } from '../../../../ota/model/onnx/messages.ts';
import type { Random } from '../../../../simulator/random.ts';

interface Field {
  number: number;
  wire: number;
  /** A message's fields, or the bytes behind the tag (and length). */
  content: Field[] | Uint8Array;
  /** Name of the message that `content` is. */
  message?: string;
}

const NUMBERS = [
  0n,
  1n,
  2n,
  7n,
  127n,
  128n,
  255n,
  2n ** 31n - 1n,
  2n ** 31n,
  2n ** 32n,
  2n ** 53n,
  2n ** 63n,
  2n ** 64n - 1n,
];
const TEXTS = ['', 'x', 'w', 'y', 'ai.onnx', '../w', 'If', 'Constant', 'ÿ'];
const BYTEWISE = 0.25;
const MOST_CHANGES = 4;

/** @param donors files whose parts may be put into `bytes` */
export function mutate(bytes: Uint8Array, donors: readonly Uint8Array[], random: Random): Uint8Array {
  if (random.next() < BYTEWISE) return changeBytes(bytes, random);
  let tree: Field[];
  try {
    tree = parse(bytes, 'Model');
  } catch {
    return changeBytes(bytes, random);
  }
  for (let left = 1 + below(random, MOST_CHANGES); left > 0; left--) changeField(tree, donors, random);
  return serialize(tree);
}

const below = (random: Random, end: number): number => Math.floor(random.next() * end);

function parse(bytes: Uint8Array, message: string): Field[] {
  const specs = new Map(
    Object.values(MESSAGES[message as MessageName] as Record<string, FieldSpec>).map(([number, type]) => [
      number,
      type,
    ]),
  );
  const reader = protobuf.Reader.create(bytes);
  const fields: Field[] = [];
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    const [number, wire] = [tag >>> 3, tag & 7];
    const start = reader.pos;
    const type = specs.get(number) ?? '';
    if (wire === 2) {
      const content = reader.bytes();
      if (type in MESSAGES) fields.push({ number, wire, content: parse(content, type), message: type });
      else fields.push({ number, wire, content });
    } else {
      reader.skipType(wire);
      fields.push({ number, wire, content: bytes.subarray(start, reader.pos) });
    }
  }
  return fields;
}

function serialize(fields: readonly Field[]): Uint8Array {
  const parts = fields.flatMap(({ number, wire, content }) => {
    const bytes = Array.isArray(content) ? serialize(content) : content;
    const head = protobuf.Writer.create().uint32((number << 3) | wire);
    return [(wire === 2 ? head.uint32(bytes.length) : head).finish(), bytes];
  });
  return Buffer.concat(parts);
}

function lists(fields: Field[], message: string): { fields: Field[]; message: string }[] {
  const inner = fields.flatMap((field) =>
    Array.isArray(field.content) ? lists(field.content, field.message!) : [],
  );
  return [{ fields, message }, ...inner];
}

function changeField(tree: Field[], donors: readonly Uint8Array[], random: Random): void {
  const all = lists(tree, 'Model');
  const { fields, message } = random.pick(all.filter((list) => list.fields.length > 0).concat(all[0]!));
  if (fields.length === 0) return;
  const at = below(random, fields.length);
  const field = fields[at]!;
  const kind = below(random, 7);
  if (kind === 0) fields.splice(at, 1);
  else if (kind === 1) fields.splice(below(random, fields.length + 1), 0, structuredClone(field));
  else if (kind === 2) {
    const other = below(random, fields.length);
    [fields[at], fields[other]] = [fields[other]!, field];
  } else if (kind === 3) field.number = 1 + below(random, 26);
  else if (kind === 4) graft(fields, message, donors, random);
  else if (field.wire === 0) field.content = varint(random.pick(NUMBERS));
  else if (!Array.isArray(field.content)) {
    field.content =
      random.next() < 0.5 ? Buffer.from(random.pick(TEXTS)) : changeBytes(field.content, random);
  }
}

/** Puts a field of the same message from another file in. */
function graft(fields: Field[], message: string, donors: readonly Uint8Array[], random: Random): void {
  try {
    const from = lists(parse(random.pick(donors), 'Model'), 'Model').filter(
      (list) => list.message === message && list.fields.length > 0,
    );
    if (from.length > 0)
      fields.splice(below(random, fields.length + 1), 0, random.pick(random.pick(from).fields));
  } catch {
    // A donor that is no message has nothing to give.
  }
}

const varint = (value: bigint): Uint8Array => {
  const bytes = [];
  let rest = value;
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return Uint8Array.from([...bytes, Number(rest)]);
};

function changeBytes(bytes: Uint8Array, random: Random): Uint8Array {
  const changed = Array.from(bytes);
  for (let left = 1 + below(random, MOST_CHANGES); left > 0; left--) {
    const at = below(random, changed.length + 1);
    const kind = below(random, 4);
    if (kind === 0) changed.splice(at, 1 + below(random, 8));
    else if (kind === 1) changed.splice(at, 0, below(random, 256));
    else if (kind === 2) changed[at] = (changed[at] ?? 0) ^ (1 << below(random, 8));
    else changed[at] = random.pick([0, 1, 127, 128, 255]);
  }
  return Uint8Array.from(changed);
}

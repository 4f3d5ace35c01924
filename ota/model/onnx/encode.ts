/** Encodes messages by the table of `messages.ts`. */

import protobuf from 'protobufjs/minimal.js';
import { type FieldSpec, MESSAGES, type MessageName } from './messages.ts';

/** A message by the field names of `messages.ts`; plain numbers may stand for int64. */
export type Json = { readonly [field: string]: unknown };

export function encode(message: MessageName, json: Json): Uint8Array {
  const writer = protobuf.Writer.create();
  write(message, json, writer);
  return writer.finish();
}

function write(message: string, json: Json, writer: protobuf.Writer): void {
  const fields: Record<string, FieldSpec> = MESSAGES[message as MessageName];
  for (const [name, value] of Object.entries(json)) {
    const spec = fields[name];
    if (!spec) throw new TypeError(`${message} has no field ${name}`);
    const [number, type, rule] = spec;
    for (const one of rule === 'many' ? Array.from(value as ArrayLike<unknown>) : [value]) {
      writeField(number, type, one, writer);
    }
  }
}

function writeField(number: number, type: string, value: unknown, writer: protobuf.Writer): void {
  const tag = (wire: number) => writer.uint32((number << 3) | wire);
  if (type === 'int') tag(0).int32(value as number);
  else if (type === 'long' || type === 'ulong') writeVarint(tag(0), BigInt(value as number | bigint));
  else if (type === 'float') tag(5).float(value as number);
  else if (type === 'double') tag(1).double(value as number);
  else if (type === 'string') tag(2).string(value as string);
  else if (type === 'bytes') tag(2).bytes(value as Uint8Array);
  else {
    write(type, value as Json, tag(2).fork());
    writer.ldelim();
  }
}

function writeVarint(writer: protobuf.Writer, value: bigint): void {
  const bits = BigInt.asUintN(64, value);
  writer.uint64({
    low: Number(bits & 0xffffffffn) | 0,
    high: Number(bits >> 32n) | 0,
    unsigned: true,
  } as never);
}

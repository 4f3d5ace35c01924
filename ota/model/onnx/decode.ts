/**
 * Decodes the protobuf of an ONNX file with limits that hold before anything is allocated for it. It reads through
 * protobufjs' Reader instead of its generated decoders because those have no limits on depth and number, box every
 * element of a list, and round int64.
 */

import protobuf from 'protobufjs/minimal.js';
import { ModelError } from '../../../runtime/core/errors.ts';
import { type Decoded, type FieldSpec, MESSAGES, type MessageName } from './messages.ts';
import { NumberList, type NumberType, readNumber } from './number-list.ts';

/** A node costs about ten messages; no model for a board comes near. */
export const MOST_NODES = 100_000;
const MOST_PARTS = 4_000_000;
/** A subgraph inside a subgraph costs three levels: graph, node, attribute. */
const MOST_DEPTH = 64;
const WIRE_VARINT = 0;
const WIRE_BYTES = 2;
const WIRES: Record<string, number> = { int: 0, long: 0, ulong: 0, float: 5, double: 1 };

interface Field {
  readonly name: string;
  readonly type: string;
  readonly many: boolean;
}

const BY_NUMBER = new Map(
  Object.entries(MESSAGES).map(([message, fields]) => [
    message,
    new Map(
      Object.entries(fields as Record<string, FieldSpec>).map(
        ([name, [number, type, rule]]): [number, Field] => [number, { name, type, many: rule === 'many' }],
      ),
    ),
  ]),
);

type Lists = Record<string, NumberList>;
type Message = Record<string, unknown>;

class Decoder {
  readonly #reader: protobuf.Reader;
  #parts = 0;
  #nodes = 0;

  constructor(bytes: Uint8Array) {
    this.#reader = protobuf.Reader.create(bytes);
  }

  message(name: string, end: number, depth: number): Message {
    if (depth > MOST_DEPTH) throw refuse(`it nests deeper than ${MOST_DEPTH} messages`);
    if (name === 'Node' && ++this.#nodes > MOST_NODES) throw refuse(`it has more than ${MOST_NODES} nodes`);
    const fields = BY_NUMBER.get(name)!;
    const result: Message = {};
    const lists: Lists = {};
    while (this.#reader.pos < end) {
      const tag = this.#reader.uint32();
      const field = fields.get(tag >>> 3);
      if (field) this.#field(field, tag & 7, result, lists, end, depth);
      else this.#skip(tag, end);
    }
    if (this.#reader.pos !== end) throw refuse(`a field of ${name} runs over its end`);
    for (const list in lists) result[list] = lists[list]!.finish();
    return result;
  }

  #field(field: Field, wire: number, result: Message, lists: Lists, end: number, depth: number): void {
    const { name, type } = field;
    const numberWire = WIRES[type];
    if (numberWire === undefined) this.#lengthDelimited(field, wire, result, end, depth);
    else if (wire !== numberWire && !(field.many && wire === WIRE_BYTES)) {
      throw refuse(`field ${name} has wire type ${wire}`);
    } else if (!field.many) result[name] = readNumber(this.#reader, type as NumberType);
    else {
      lists[name] ??= new NumberList(type as NumberType);
      if (wire === numberWire) lists[name].readOne(this.#reader);
      else lists[name].readPacked(this.#reader, this.#end(end));
    }
  }

  #lengthDelimited(field: Field, wire: number, result: Message, end: number, depth: number): void {
    const { name, type, many } = field;
    if (wire !== WIRE_BYTES) throw refuse(`field ${name} has wire type ${wire}`);
    // Protobuf would merge the two; nothing writes them so.
    if (!many && type in MESSAGES && name in result)
      throw refuse(`there are two ${type} for one field ${name}`);
    if (++this.#parts > MOST_PARTS) throw refuse(`it has more than ${MOST_PARTS} parts`);
    const stop = this.#end(end);
    const value =
      type === 'string' || type === 'bytes' ? this.#raw(type, stop) : this.message(type, stop, depth + 1);
    if (!many) result[name] = value;
    else if (result[name]) (result[name] as unknown[]).push(value);
    else result[name] = [value];
  }

  /** A view of the file, so that weights are not copied. */
  #raw(type: 'string' | 'bytes', stop: number): string | Uint8Array {
    const { buf, pos } = this.#reader;
    this.#reader.pos = stop;
    return type === 'bytes'
      ? buf.subarray(pos, stop)
      : Buffer.from(buf.buffer, buf.byteOffset + pos, stop - pos).toString();
  }

  #end(outer: number): number {
    const stop = this.#reader.uint32() + this.#reader.pos;
    if (stop > outer) throw refuse(`a field at byte ${this.#reader.pos} is longer than what holds it`);
    return stop;
  }

  #skip(tag: number, end: number): void {
    const wire = tag & 7;
    if (tag >>> 3 === 0 || wire === 3 || wire === 4 || wire > 5) {
      throw refuse(`there is no field at byte ${this.#reader.pos}`);
    }
    if (wire === WIRE_BYTES) this.#reader.pos = this.#end(end);
    else if (wire === WIRE_VARINT) this.#reader.skip();
    else this.#reader.skip(wire === 1 ? 8 : 4);
  }
}

function refuse(what: string): ModelError {
  return new ModelError('onnx-malformed', `the file is no ONNX model: ${what}`);
}

/**
 * @returns the message; its bytes are views of `bytes`
 * @throws ModelError `onnx-malformed`
 */
export function decode<M extends MessageName>(message: M, bytes: Uint8Array): Decoded<M> {
  try {
    return new Decoder(bytes).message(message, bytes.length, 0) as Decoded<M>;
  } catch (cause) {
    if (cause instanceof ModelError) throw cause;
    throw new ModelError('onnx-malformed', 'the file is no ONNX model, or it was cut short', { cause });
  }
}

/** Replaces parts of a model in its encoded form: all that is not replaced stays byte for byte, known to us or not. */

import protobuf from 'protobufjs/minimal.js';
import { encode, type Json } from './encode.ts';
import { MESSAGES, type MessageName } from './messages.ts';

const WIRE_BYTES = 2;

type Edits = Readonly<Record<number, readonly Uint8Array[]>>;

/** A type and shape as a ValueInfo; both may be left to inference. */
export const valueInfo = (name: string, elemType?: number, shape?: readonly number[]): Json =>
  elemType === undefined
    ? { name }
    : { name, type: { tensorType: { elemType, shape: { dim: (shape ?? []).map((value) => ({ value })) } } } };

export interface GraphEdits {
  readonly inputs?: readonly Json[];
  readonly outputs?: readonly Json[];
  readonly initializers?: readonly Json[];
}

/**
 * Shapes that the file gives for values between the nodes are dropped: they may have been written for other inputs.
 * @param bytes a model that `decode` took
 */
export function rewriteModel(bytes: Uint8Array, irVersion: number, edits: GraphEdits): Uint8Array {
  const fields = MESSAGES.Graph;
  const replaced: Record<number, readonly Uint8Array[]> = { [fields.valueInfo[0]]: [] };
  const replace = (number: number, message: MessageName, list?: readonly Json[]) => {
    if (list) replaced[number] = list.map((one) => delimited(number, encode(message, one)));
  };
  replace(fields.input[0], 'ValueInfo', edits.inputs);
  replace(fields.output[0], 'ValueInfo', edits.outputs);
  replace(fields.initializer[0], 'Tensor', edits.initializers);
  const { irVersion: version, graph } = MESSAGES.Model;
  const graphBytes = findGraph(bytes, graph[0]);
  return splice(bytes, {
    [version[0]]: [encode('Model', { irVersion })],
    [graph[0]]: [delimited(graph[0], splice(graphBytes, replaced))],
  });
}

/** Copies all fields but those of `edits`, and appends these. */
function splice(bytes: Uint8Array, edits: Edits): Uint8Array {
  const kept: Uint8Array[] = [];
  for (const { number, start, end } of fieldsOf(bytes)) {
    if (!(number in edits)) kept.push(bytes.subarray(start, end));
  }
  return Buffer.concat([...kept, ...Object.values(edits).flat()]);
}

function findGraph(bytes: Uint8Array, wanted: number): Uint8Array {
  for (const { number, content, end } of fieldsOf(bytes))
    if (number === wanted) return bytes.subarray(content, end);
  return new Uint8Array(0);
}

function* fieldsOf(bytes: Uint8Array) {
  const reader = protobuf.Reader.create(bytes);
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const tag = reader.uint32();
    let content = reader.pos;
    if ((tag & 7) === WIRE_BYTES) {
      const length = reader.uint32();
      content = reader.pos;
      reader.skip(length);
    } else reader.skipType(tag & 7);
    yield { number: tag >>> 3, start, content, end: reader.pos };
  }
}

function delimited(number: number, content: Uint8Array): Uint8Array {
  const writer = protobuf.Writer.create();
  return Buffer.concat([
    writer
      .uint32((number << 3) | WIRE_BYTES)
      .uint32(content.length)
      .finish(),
    content,
  ]);
}

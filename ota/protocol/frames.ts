/**
 * What nodes ask and hubs answer: binary, big-endian, one frame per message. Both sides read foreign bytes; a frame that
 * is none is undefined, without an error's cost, since whoever floods a topic would pay nothing for it.
 *
 *   request   u8 version · u8 kind · u32 id · u64 offset · u32 length · subject (a name, or 32 bytes of SHA-256)
 *   response  u8 version · u8 status · u32 id · u64 total · u64 offset · bytes
 */

import { METADATA_NAME } from './public-tree.ts';

/** The most content in one frame, and the block of a blob. */
export const MOST_CONTENT = 65_536;
const REQUEST_HEADER = 18;
const RESPONSE_HEADER = 22;
const VERSION = 1;
const MOST_NAME = 96;
const METADATA = 1;
const BLOB = 2;

export type Subject =
  /** A file as TUF names it, such as `3.root.json`. */
  | { readonly metadata: string }
  /** SHA-256 in lower-case hexadecimal. */
  | { readonly blob: string };

export interface Request {
  readonly id: number;
  readonly subject: Subject;
  /** Bytes into the file. */
  readonly offset: number;
  /** Bytes wanted, 1 to MOST_CONTENT; fewer come where the file ends. */
  readonly length: number;
}

/** `busy`: the node asks for more than its share; later it will be answered. */
export type ResponseStatus = 'ok' | 'absent' | 'busy';
const STATUSES: readonly ResponseStatus[] = ['ok', 'absent', 'busy'];

export interface Response {
  /** Of the request. */
  readonly id: number;
  readonly status: ResponseStatus;
  /** Bytes of the whole file. */
  readonly total: number;
  readonly offset: number;
  /** A view into the frame; empty unless `ok`. */
  readonly bytes: Uint8Array;
}

/** @param request with an id from 0 to 2^32 - 1 and whole numbers. */
export function encodeRequest({ id, subject, offset, length }: Request): Uint8Array {
  const named = 'metadata' in subject;
  const tail = named ? Buffer.from(subject.metadata, 'latin1') : Buffer.from(subject.blob, 'hex');
  const frame = Buffer.alloc(REQUEST_HEADER + tail.length);
  frame[0] = VERSION;
  frame[1] = named ? METADATA : BLOB;
  frame.writeUInt32BE(id, 2);
  frame.writeBigUInt64BE(BigInt(offset), 6);
  frame.writeUInt32BE(length, 14);
  tail.copy(frame, REQUEST_HEADER);
  return frame;
}

export function decodeRequest(bytes: Uint8Array): Request | undefined {
  const frame = bufferOf(bytes);
  if (frame.length <= REQUEST_HEADER || frame.length > REQUEST_HEADER + MOST_NAME || frame[0] !== VERSION)
    return undefined;
  const subject = subjectOf(frame[1]!, frame.subarray(REQUEST_HEADER));
  const offset = safeInteger(frame, 6);
  const length = frame.readUInt32BE(14);
  if (!subject || offset === undefined || length < 1 || length > MOST_CONTENT) return undefined;
  return { id: frame.readUInt32BE(2), subject, offset, length };
}

function subjectOf(kind: number, tail: Buffer): Subject | undefined {
  if (kind === BLOB && tail.length === 32) return { blob: tail.toString('hex') };
  const name = kind === METADATA ? tail.toString('latin1') : '';
  return METADATA_NAME.test(name) ? { metadata: name } : undefined;
}

/** @param response with at most MOST_CONTENT bytes. */
export function encodeResponse({ id, status, total, offset, bytes }: Response): Uint8Array {
  const frame = Buffer.allocUnsafe(RESPONSE_HEADER + bytes.length);
  frame[0] = VERSION;
  frame[1] = STATUSES.indexOf(status);
  frame.writeUInt32BE(id, 2);
  frame.writeBigUInt64BE(BigInt(total), 6);
  frame.writeBigUInt64BE(BigInt(offset), 14);
  frame.set(bytes, RESPONSE_HEADER);
  return frame;
}

export function decodeResponse(bytes: Uint8Array): Response | undefined {
  const frame = bufferOf(bytes);
  if (frame.length < RESPONSE_HEADER || frame.length > RESPONSE_HEADER + MOST_CONTENT) return undefined;
  const status = frame[0] === VERSION ? STATUSES[frame[1]!] : undefined;
  const total = safeInteger(frame, 6);
  const offset = safeInteger(frame, 14);
  if (!status || total === undefined || offset === undefined) return undefined;
  const content = frame.subarray(RESPONSE_HEADER);
  if (status === 'ok' ? offset + content.length > total : content.length > 0) return undefined;
  return { id: frame.readUInt32BE(2), status, total, offset, bytes: content };
}

function safeInteger(frame: Buffer, at: number): number | undefined {
  const high = frame.readUInt32BE(at);
  return high > 0x1f_ffff ? undefined : high * 2 ** 32 + frame.readUInt32BE(at + 4);
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** What a record looks like on disk: identity, checksum, compressed body. */

import { crc32, deflateRawSync, inflateRawSync } from 'node:zlib';
import { describeError, InputError } from '../../core/errors.ts';
import { type OutboundRecord, RECORD_CLASSES, type RecordClass, type Stamp } from '../../core/messages.ts';

/** A body of JSON text longer than this is refused: no broker takes it, and one record must not fill the queue. */
export const MAX_BODY_BYTES = 1024 * 1024;

/** Short texts gain nothing: the row and page overhead is larger. */
const COMPRESS_FROM_BYTES = 256;

/** Rough cost of a row beside topic and body: cell header, numbers, identity. */
const ROW_OVERHEAD_BYTES = 48;

/** A record ready to be written. */
export interface Entry extends Stamp {
  readonly class: RecordClass;
  readonly topic: string;
  readonly seq: number;
  readonly bytes: Uint8Array;
  readonly compressed: boolean;
}

/**
 * Ids grow with acceptance and carry the class, so that a removal finds its table without a look-up:
 * `4 × position + index of the class`.
 */
export const makeId = (position: number, recordClass: RecordClass): number =>
  position * 4 + RECORD_CLASSES.indexOf(recordClass);
export const positionOfId = (id: number): number => Math.floor(id / 4);
export const classOfId = (id: number): RecordClass | undefined => RECORD_CLASSES[id % 4];

/** Bytes a record counts for in `depth()`. */
export const costOf = (bodyBytes: number, topicBytes: number): number =>
  bodyBytes + topicBytes + ROW_OVERHEAD_BYTES;

/**
 * @throws InputError `record-invalid` when the body is no JSON or the stamp no time, `record-too-large` above MAX_BODY_BYTES or
 * above `maxStoredBytes` once compressed.
 */
export function encodeEntry(record: OutboundRecord, seq: number, maxStoredBytes: number): Entry {
  const json = toJson(record);
  if (json.length > MAX_BODY_BYTES) throw tooLarge(record, json.length, MAX_BODY_BYTES);
  const packed = packBody(json);
  if (packed.bytes.length > maxStoredBytes) throw tooLarge(record, packed.bytes.length, maxStoredBytes);
  const { class: recordClass, topic, mono, wall, timeQuality } = record;
  return { class: recordClass, topic, seq, ...packed, mono, wall, timeQuality };
}

/** Compressed where that is smaller: readings shrink to about a quarter. */
export function packBody(json: Uint8Array): Pick<Entry, 'bytes' | 'compressed'> {
  const packed = json.length >= COMPRESS_FROM_BYTES ? deflateRawSync(json) : json;
  return packed.length < json.length
    ? { bytes: packed, compressed: true }
    : { bytes: json, compressed: false };
}

/** The JSON text. @throws when the bytes are damaged. */
export function decodeBody(bytes: Uint8Array, compressed: boolean): string {
  const json = compressed ? inflateRawSync(bytes, { maxOutputLength: MAX_BODY_BYTES }) : bytes;
  return Buffer.from(json.buffer, json.byteOffset, json.byteLength).toString('utf8');
}

/** Covers what SQLite does not check itself: a flipped bit inside a row is found before the row is sent. */
export function checksum(
  id: number,
  boot: number,
  seq: number,
  wall: number,
  topic: string,
  body: Uint8Array,
): number {
  return crc32(body, crc32(`${id}:${boot}:${seq}:${wall}:${topic}`));
}

function toJson(record: OutboundRecord): Buffer {
  try {
    if (!Number.isFinite(record.mono) || !Number.isFinite(record.wall)) {
      throw new InputError('record-invalid', `its time stamp is ${record.mono}, ${record.wall}`);
    }
    return Buffer.from(JSON.stringify(record.body));
  } catch (cause) {
    throw new InputError(
      'record-invalid',
      `a record for '${record.topic}' cannot be kept: ${describeError(cause)}`,
      {
        cause,
        facts: { topic: record.topic },
      },
    );
  }
}

function tooLarge(record: OutboundRecord, size: number, limit: number): InputError {
  return new InputError(
    'record-too-large',
    `a record for '${record.topic}' has ${size} bytes; at most ${limit} fit into the outbox: send it in parts`,
    { facts: { topic: record.topic, size, limit } },
  );
}

/** A small record on disk: JSON with a checksum of its own, so that a damaged one is told from a valid one of yesterday. */

import { writeFileAtomic } from '../../../runtime/core/atomic-file.ts';
import type { FileSystem } from '../../../runtime/core/file-system.ts';
import { fieldsOf } from '../tuf/fields.ts';
import type { JsonObject, JsonValue } from '../tuf/strict-json.ts';
import { readStrictJson } from '../tuf/strict-json.ts';
import { diskError } from './disk-error.ts';
import { readSmall } from './hash-file.ts';
import { sha256Of } from './memory-sink.ts';

const MOST_RECORD_BYTES = 64 * 1024;
const HEAD = /^\{"check":"([0-9a-f]{64})","record":/;
const HEAD_LENGTH = '{"check":"","record":'.length + 64;

export type RecordRead<T> =
  | { readonly state: 'ok'; readonly value: T }
  | { readonly state: 'none' | 'damaged' };

/** Never throws for what stands in the file: that is `damaged`, and so is a file that the disk cannot read. */
export function readRecord<T>(fs: FileSystem, path: string, parse: (json: JsonObject) => T): RecordRead<T> {
  try {
    if (fs.size(path) === undefined) return { state: 'none' };
    const bytes = readSmall(fs, path, MOST_RECORD_BYTES);
    const body = bytes && checked(bytes);
    if (!body) return { state: 'damaged' };
    const json = readStrictJson(body, { what: path, mostBytes: MOST_RECORD_BYTES, fractions: true });
    return { state: 'ok', value: parse(fieldsOf(json, path)) };
  } catch {
    return { state: 'damaged' };
  }
}

/** Durable when it returns. @throws StorageError `ota-disk-full`, `state-write` */
export function writeRecord(fs: FileSystem, path: string, value: JsonValue, mode?: number): void {
  const body = JSON.stringify(value);
  try {
    writeFileAtomic(path, `{"check":"${sha256Of(Buffer.from(body))}","record":${body}}`, mode, fs);
  } catch (error) {
    throw diskError(error, path);
  }
}

/** What stands behind the checksum, where the checksum is right. */
function checked(bytes: Uint8Array): Uint8Array | undefined {
  const head = HEAD.exec(Buffer.from(bytes.subarray(0, HEAD_LENGTH)).toString('latin1'));
  const body = bytes.subarray(HEAD_LENGTH, bytes.length - 1);
  return head && sha256Of(body) === head[1] && bytes.at(-1) === 0x7d ? body : undefined;
}

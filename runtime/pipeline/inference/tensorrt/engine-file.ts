/** Cached engines as files: what names one, and the header around it. Layout: native/backends/tensorrt/engine_file.h. */

import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import type { TensorrtPrecision } from '../../../addon/tensorrt.ts';

/** What an engine depends on: another value of any of these is another engine. */
export interface EngineKey {
  /** SHA-256 of the model, in hexadecimal. */
  readonly model: string;
  readonly tensorrt: string;
  readonly gpu: string;
  readonly capability: string;
  readonly precision: TensorrtPrecision;
  readonly maxBatch: number;
  readonly optimalBatch: number;
  readonly workspaceBytes: number;
  /** SHA-256 of the calibration samples; empty where none are used. */
  readonly calibration: string;
}

const MAGIC = Buffer.from('VGTRTENG');
const LAYOUT = 1;
const HEADER_BYTES = 64;
const DIGEST_AT = 8;
const DIGESTED_FROM = 40;
const LENGTH_AT = 48;
const ALIGNMENT = 64;

/** One `name=value` per line; the addon compares tensorrt, gpu and capability with its own. */
export function keyText(key: EngineKey): string {
  return Object.entries(key)
    .map(([name, value]) => `${name}=${String(value).replaceAll('\n', ' ')}`)
    .sort()
    .join('\n');
}

export function engineFileName(key: EngineKey): string {
  return `${createHash('sha256').update(keyText(key)).digest('hex').slice(0, 40)}.engine`;
}

/** The whole file. */
export function encodeEngineFile(key: string, engine: Uint8Array): Buffer {
  const keyBytes = Buffer.from(key);
  const engineAt = alignedUp(HEADER_BYTES + keyBytes.length);
  const file = Buffer.alloc(engineAt + engine.length);
  headerOf(keyBytes).copy(file);
  file.writeBigUInt64LE(BigInt(engine.length), LENGTH_AT);
  file.set(keyBytes, HEADER_BYTES);
  file.set(engine, engineAt);
  createHash('sha256').update(file.subarray(DIGESTED_FROM)).digest().copy(file, DIGEST_AT);
  return file;
}

/** Whether the file says it is the engine of this key. The addon checks the rest, all of it, before it loads. */
export function isEngineOf(path: string, key: string): boolean {
  const keyBytes = Buffer.from(key);
  const start = Buffer.alloc(HEADER_BYTES + keyBytes.length);
  let file: number | undefined;
  try {
    file = openSync(path, 'r');
    if (readSync(file, start) !== start.length) return false;
  } catch {
    return false;
  } finally {
    if (file !== undefined) closeSync(file);
  }
  const expected = headerOf(keyBytes);
  return (
    start.subarray(0, DIGEST_AT).equals(expected.subarray(0, DIGEST_AT)) &&
    start.subarray(DIGESTED_FROM, LENGTH_AT).equals(expected.subarray(DIGESTED_FROM, LENGTH_AT)) &&
    start.subarray(HEADER_BYTES).equals(keyBytes)
  );
}

function headerOf(key: Buffer): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  MAGIC.copy(header);
  header.writeUInt32LE(LAYOUT, DIGESTED_FROM);
  header.writeUInt32LE(key.length, 44);
  return header;
}

function alignedUp(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}

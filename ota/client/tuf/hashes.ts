/** Lengths and hashes that signed metadata tells of other files. */

import { createHash } from 'node:crypto';
import { UpdateError } from '../../../runtime/core/errors.ts';
import { fieldsOf } from './fields.ts';
import { type JsonObject, malformed } from './strict-json.ts';

/** Lower-case hexadecimal; at least one of them is there. */
export interface Hashes {
  readonly sha256?: string;
  readonly sha512?: string;
}

const HEX_DIGITS = new Map([
  ['sha256', 64],
  ['sha512', 128],
]);

/** Other algorithms are refused rather than passed over: a hash that nobody checks pins nothing. @throws UpdateError `ota-malformed` */
export function readHashes(object: JsonObject, where: string): Hashes {
  const hashes = Object.entries(fieldsOf(object.hashes, `${where} hashes`));
  if (hashes.length === 0) throw malformed(where, 'has no hashes');
  for (const [algorithm, digest] of hashes) {
    const digits = HEX_DIGITS.get(algorithm);
    if (digits === undefined) throw malformed(where, `has a hash that is neither sha256 nor sha512`);
    if (typeof digest !== 'string' || digest.length !== digits || !/^[0-9a-f]+$/.test(digest))
      throw malformed(where, `has a ${algorithm} that is not ${digits} lower-case hexadecimal digits`);
  }
  return Object.fromEntries(hashes);
}

/** §5.5.2, §5.6.2, §5.7.3. @throws UpdateError `ota-mismatch` */
export function requireContent(
  bytes: Uint8Array,
  expected: { readonly length: number | undefined; readonly hashes: Hashes | undefined },
  what: string,
): void {
  if (expected.length !== undefined && bytes.length !== expected.length)
    throw mismatch(what, `has ${bytes.length} bytes; signed metadata says ${expected.length}`);
  for (const [algorithm, digest] of Object.entries(expected.hashes ?? {}))
    if (createHash(algorithm).update(bytes).digest('hex') !== digest)
      throw mismatch(what, `has another ${algorithm} than signed metadata says`);
}

export function mismatch(what: string, problem: string): UpdateError {
  return new UpdateError('ota-mismatch', `${what} ${problem}`, { retryable: true, facts: { what } });
}

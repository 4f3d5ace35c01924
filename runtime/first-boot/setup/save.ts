/** What the set-up page saves: the same folder that a person would drop on the boot partition. */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileAtomic } from '../../core/atomic-file.ts';
import { InputError } from '../../core/errors.ts';
import { DROPPED } from '../places.ts';

export interface Brought {
  readonly kind: 'secrets' | 'files';
  readonly name: string;
  readonly bytes: Uint8Array;
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;
const MOST = 64;

/** vigie.yaml comes last: with it the folder is complete. @throws StorageError. */
export function saveDrop(folder: string, text: string, brought: readonly Brought[]): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const { kind, name, bytes } of brought) {
    mkdirSync(join(folder, kind), { recursive: true, mode: 0o700 });
    writeFileAtomic(join(folder, kind, name), bytes, 0o600);
  }
  writeFileAtomic(join(folder, DROPPED.configuration), text, 0o600);
}

/** @param value of a request. @throws InputError `setup-request` saying what it should be. */
export function readBrought(value: unknown): Brought[] {
  if (!Array.isArray(value) || value.length > MOST) throw malformed(`a list of at most ${MOST} files`);
  return value.map((one: unknown): Brought => {
    const { kind, name, base64 } = (one ?? {}) as Record<string, unknown>;
    if (kind !== 'secrets' && kind !== 'files') throw malformed("the kind 'secrets' or 'files'");
    if (typeof name !== 'string' || !NAME.test(name)) throw malformed('a name of letters, digits and _ - .');
    if (typeof base64 !== 'string' || base64 === '') throw malformed(`content for '${name}'`);
    return { kind, name, bytes: Buffer.from(base64, 'base64') };
  });
}

export function malformed(expected: string): InputError {
  return new InputError('setup-request', `the request is not what the page sends: expected ${expected}`);
}

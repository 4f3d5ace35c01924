/** Secrets are read from files or systemd credentials each time they are needed, and never kept or logged. */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../core/errors.ts';

/**
 * @param reference an absolute path, or `credential:NAME` for a file in $CREDENTIALS_DIRECTORY.
 * @returns the content without the line end at its end.
 * @throws InputError `secret-unreadable` saying which reference, never the content.
 */
export function readSecret(reference: string): string {
  const path = secretPath(reference);
  try {
    return readFileSync(path, 'utf8').replace(/\r?\n$/, '');
  } catch (cause) {
    throw new InputError('secret-unreadable', `cannot read the secret ${reference}`, {
      cause,
      facts: { path },
    });
  }
}

function secretPath(reference: string): string {
  if (!reference.startsWith('credential:')) return reference;
  const directory = process.env.CREDENTIALS_DIRECTORY;
  if (!directory) {
    const fix = 'start the node under systemd with LoadCredential=, or name a file';
    throw new InputError(
      'secret-unreadable',
      `${reference} needs systemd credentials, and there are none: ${fix}`,
    );
  }
  const name = reference.slice('credential:'.length);
  const path = join(directory, name);
  // vigie.service loads a whole folder (/etc/credstore/vigie): systemd puts what it calls the folder before each name.
  const inFolder = join(directory, `vigie_${name}`);
  return !existsSync(path) && existsSync(inFolder) ? inFolder : path;
}

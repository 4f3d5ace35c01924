/** The values that must not leave: what the configuration refers to, and every credential that can be read. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readSecret } from '../../config/secret.ts';

const FOLDERS = [
  '/etc/credstore/vigie',
  '/run/credentials/vigie.service',
  '/run/credentials/vigie-safe.service',
];
/** Keys of the configuration whose value names a file with a secret. */
const REFERENCE = /^(password|key|secret|token)file$/i;
const MOST_BYTES = 64 * 1024;

export interface Secrets {
  readonly values: readonly string[];
  /** References that cannot be read here, so that their values are not known. */
  readonly unread: readonly string[];
}

/** @param configurations parsed, whatever they hold. @param folders of credentials. */
export function findSecrets(
  configurations: readonly unknown[],
  folders: readonly string[] = FOLDERS,
): Secrets {
  const references = new Set(configurations.flatMap(referencesIn));
  const values: string[] = folders.flatMap(filesIn);
  const unread: string[] = [];
  for (const reference of references) {
    try {
      values.push(readSecret(reference));
    } catch {
      if (!reference.startsWith('credential:')) unread.push(reference);
    }
  }
  return { values, unread };
}

function referencesIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    typeof inner === 'string' ? (REFERENCE.test(key) ? [inner] : []) : referencesIn(inner),
  );
}

function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ name }) => readFileSync(join(folder, name)).subarray(0, MOST_BYTES).toString('utf8'));
  } catch {
    return [];
  }
}

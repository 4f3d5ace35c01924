/** What all actions on a node share: which node is asked, and what comes after. */

import { resolve } from 'node:path';
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { UsageError } from '../../../core/errors.ts';
import { DEFAULT_DATA } from '../../defaults.ts';

export const TARGET_HELP = `  --data-dir DIR   of the node: it listens there, on control.sock (default: $STATE_DIRECTORY,
                   else ${DEFAULT_DATA})
  --json           print what the node answers
`;

interface Parsed {
  readonly dataDir: string;
  readonly json: boolean;
  readonly positionals: readonly string[];
  readonly values: Readonly<Record<string, unknown>>;
}

/**
 * @param names of the positional arguments, all of which must be there.
 * @throws UsageError
 */
export function parseTarget(
  args: readonly string[],
  names: readonly string[],
  options: ParseArgsConfig['options'] = {},
): Parsed {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { ...options, 'data-dir': { type: 'string' }, json: { type: 'boolean' } },
  });
  if (positionals.length !== names.length) {
    const wanted = names.join(' ') || 'nothing';
    throw new UsageError('usage', `expected ${wanted}; found ${positionals.join(' ') || 'nothing'}`);
  }
  const given = values as { readonly 'data-dir'?: string; readonly json?: boolean };
  const dataDir = resolve(given['data-dir'] ?? process.env.STATE_DIRECTORY ?? DEFAULT_DATA);
  return { dataDir, json: given.json === true, positionals, values };
}

/** Prints the answer as JSON, or as the text that is made of it. */
export function print<T>(json: boolean, answer: T, text: (answer: T) => string): void {
  process.stdout.write(json ? `${JSON.stringify(answer)}\n` : text(answer));
}

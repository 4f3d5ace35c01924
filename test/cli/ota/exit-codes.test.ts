/** Each code of updates ends with an exit status that somebody chose. */

import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { EXIT, exitCodeOf } from '../../../runtime/cli/ota/exit-codes.ts';
import { InputError, UpdateError, UsageError, VigieError } from '../../../runtime/core/errors.ts';
import { packageRoot } from '../../../runtime/core/paths.ts';

/** What a person did wrong at the keyboard, or a state of their repository: 1 says all there is to say. */
const PLAIN = new Set([
  ...['ota-repository-exists', 'ota-repository-missing', 'ota-repository-invalid', 'ota-nothing-published'],
  ...[
    'ota-no-draft',
    'ota-request-invalid',
    'ota-metadata-invalid',
    'ota-manifest-needed',
    'ota-no-reference',
  ],
  ...['ota-no-selftest', 'ota-path', 'ota-file-unreadable', 'ota-file-length', 'ota-output-exists'],
  ...['ota-bundle-missing', 'ota-passphrase-short', 'ota-passphrase-missing', 'ota-passphrase-differs'],
  ...[
    'ota-key-exists',
    'ota-fleet-invalid',
    'ota-rollout-rules',
    'ota-rollout-missing',
    'ota-rollout-invalid',
  ],
  ...[
    'ota-rollout-state',
    'ota-release-needed',
    'ota-no-provenance',
    'ota-provenance-key',
    'ota-topic',
    'ota-not-blocked',
    'ota-not-running',
  ],
]);
/** Errors of programming, which no command can bring about. */
const INTERNAL = new Set(['ota-order', 'ota-wrong-order']);

test('every code that publisher and update client throw is in the table, or plain on purpose', () => {
  const sources = ['ota/bundle', 'ota/client', 'ota/protocol', 'ota/publish', 'runtime/cli/ota'].flatMap(
    (folder) => globSync(`${folder}/**/*.ts`, { cwd: packageRoot }),
  );
  const missing = new Set<string>();
  for (const source of sources) {
    if (source.endsWith('exit-codes.ts')) continue;
    const text = readFileSync(join(packageRoot, source), 'utf8');
    for (const [, code] of text.matchAll(/(?:Error|refusal)\(\s*'(ota-[a-z-]+)'/g)) {
      const known =
        PLAIN.has(code!) || INTERNAL.has(code!) || exitCodeOf(new UpdateError(code!, '')) !== EXIT.failure;
      if (!known) missing.add(`${code} (${source})`);
    }
  }
  assert.equal([...missing], []);
});

test('the table', () => {
  const codes: readonly (readonly [string, number])[] = [
    ...([
      ['ota-no-update', 10],
      ['ota-signature', 20],
      ['ota-passphrase', 20],
      ['ota-expired', 21],
    ] as const),
    ...([
      ['ota-rollback', 22],
      ['ota-mismatch', 23],
      ['ota-malformed', 23],
      ['ota-incompatible', 24],
    ] as const),
    ...([
      ['bundle-no-backend', 24],
      ['ota-transport', 30],
      ['ota-disk-full', 31],
      ['state-write', 31],
    ] as const),
    ...([
      ['ota-vectors-differ', 40],
      ['selftest-failed', 40],
      ['ota-rollout-aborted', 40],
      ['manifest-odd', 1],
    ] as const),
  ];
  for (const [code, exit] of codes) assert.is(exitCodeOf(new VigieError(code, '')), exit, code);
  assert.is(exitCodeOf(new UsageError('usage', '')), 2);
  assert.is(exitCodeOf(new InputError('toString', '')), 1);
  assert.is(exitCodeOf(new RangeError('bug')), 1);
});

test.run();

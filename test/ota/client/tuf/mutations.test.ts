/** Thousands of changed files: none is trusted, none brings anything but our own errors. */

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { NOTHING_KNOWN } from '../../../../ota/client/tuf/known-versions.ts';
import { OWN_REPOSITORY } from '../../../../ota/client/tuf/policy.ts';
import { readTrustedRoot, TrustedSet } from '../../../../ota/client/tuf/trusted-set.ts';
import { UpdateError } from '../../../../runtime/core/errors.ts';
import { epochMillis } from '../../../../runtime/core/units.ts';
import { Random } from '../../../../simulator/random.ts';
import { NOW, TufRepository } from '../../../support/tuf-repository.ts';
import { mutate } from './fuzz/mutate.ts';
import { fuzz, fuzzStore, PLACES, SEEDS, STORED, STORED_SEEDS } from './fuzz/tuf-fuzzer.ts';

test('20000 changed timestamps: none that says anything else is trusted', () => {
  const random = new Random(5);
  const { factoryRoot, served, says } = new TufRepository();
  const root = readTrustedRoot(factoryRoot, OWN_REPOSITORY);
  const honest = served.get('timestamp.json')!;
  const { length } = honest;
  assert.ok(length > 300);
  let refused = 0;
  for (let i = 0; i < 20_000; i++) {
    const set = new TrustedSet(root, { now: epochMillis(NOW), policy: OWN_REPOSITORY, known: NOTHING_KNOWN });
    set.finishRoot();
    const bytes = mutate(honest, [...served.values()], random);
    try {
      set.updateTimestamp(bytes);
      const { version, snapshot, expires } = set.timestamp;
      assert.equal({ version, snapshot }, { version: 1, snapshot: says.timestamp.meta['snapshot.json'] });
      assert.is(expires, Date.parse(says.timestamp.expires));
    } catch (error) {
      if (!(error instanceof UpdateError)) throw error;
      refused++;
    }
  }
  // The rest are changes of white space and of what nobody signs.
  assert.ok(refused > 19_000, `${refused} were refused`);
});

test('changed files in every place of a repository', async () => {
  const random = new Random(6);
  for (let i = 0; i < 900; i++) {
    const at = i % PLACES.length;
    await fuzz(mutate(SEEDS[at]!, SEEDS, random), PLACES[at]!);
  }
});

test('changed files in the store: the node recovers', async () => {
  const random = new Random(7);
  for (let i = 0; i < 400; i++) {
    const at = i % STORED.length;
    await fuzzStore(mutate(STORED_SEEDS[at]!, SEEDS, random), STORED[at]!);
  }
});

test.run();

/** PATHPATTERN, §4.5. */

import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { matchesPath } from '../../../../ota/client/tuf/path-pattern.ts';

for (const [pattern, path, matches] of [
  ['targets/*.tgz', 'targets/foo.tgz', true],
  ['targets/*.tgz', 'targets/foo.txt', false],
  ['foo-version-?.tgz', 'foo-version-2.tgz', true],
  ['foo-version-?.tgz', 'foo-version-alpha.tgz', false],
  ['*.tgz', 'foo.tgz', true],
  ['*.tgz', 'targets/foo.tgz', false],
  ['foo.tgz', 'foo.tgz', true],
  ['foo.tgz', 'foo.tgz2', false],
  ['bundles/*', 'bundles/detector/47.json', false],
  ['bundles/*/*', 'bundles/detector/47.json', true],
  ['*', '', true],
  ['?', '', false],
  ['a*b*c', 'aXbYbZc', true],
  ['a*b*c', 'aXbYbZ', false],
  ['*/', 'a/', true],
  ['[a]', 'a', false],
  ['*.MD', 'README.md', false],
  ['.*', 'a', false],
] as const)
  test(`'${pattern}' ${matches ? 'matches' : 'does not match'} '${path}'`, () => {
    assert.is(matchesPath(pattern, path), matches);
  });

test('says what a regular expression says', () => {
  const letter = fc.constantFrom('a', 'b', '/', '*', '?');
  fc.assert(
    fc.property(
      fc.string({ unit: letter, maxLength: 8 }),
      fc.string({ unit: fc.constantFrom('a', 'b', '/'), maxLength: 8 }),
      (pattern, path) => {
        const expression = pattern.replaceAll('*', '[^/]*').replaceAll('?', '[^/]');
        assert.is(matchesPath(pattern, path), new RegExp(`^${expression}$`).test(path));
      },
    ),
    { numRuns: 3000, seed: 5 },
  );
});

test.run();

/** The form that is signed. */

import { canonicalize } from '@tufjs/canonical-json';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { canonicalJson } from '../../../../ota/client/tuf/canonical-json.ts';
import type { JsonValue } from '../../../../ota/client/tuf/strict-json.ts';
import { refusal } from './support.ts';

test('no white space, keys in order, strings raw but for quote and backslash', () => {
  const value = { b: [1, -2, null, true], a: { '"': 'x\\y"z', 'é\n\u0001': '' } };
  assert.is(canonicalJson(value), '{"a":{"\\"":"x\\\\y\\"z","é\n\u0001":""},"b":[1,-2,null,true]}');
});

test('keys come in the order of code points, as in other languages', () => {
  const value = { '\u{1f600}': 1, '\uff5e': 2, a: 3, '\ue000': 4, aa: 5, '': 6 };
  assert.is(canonicalJson(value), '{"":6,"a":3,"aa":5,"\ue000":4,"\uff5e":2,"\u{1f600}":1}');
});

test('the same as that of tuf-js, where both have one', () => {
  // tuf-js sorts by UTF-16 unit: the same but above U+FFFF.
  const text = fc.string({
    unit: fc.integer({ min: 0, max: 0xd7ff }).map((unit) => String.fromCharCode(unit)),
  });
  const { tree } = fc.letrec<{ tree: JsonValue }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      text,
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie('tree'), { maxLength: 4 }),
      fc.dictionary(text, tie('tree'), { maxKeys: 4 }),
    ),
  }));
  fc.assert(
    fc.property(tree, (value) => assert.is(canonicalJson(value), canonicalize(value))),
    { numRuns: 500, seed: 5 },
  );
});

test('what has no JSON has no canonical form', async () => {
  for (const value of [
    undefined,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    { a: undefined },
    [() => 1],
    1n,
    '\ud800',
    { '\udc00': 1 },
  ])
    await refusal('ota-malformed', () => canonicalJson(value as JsonValue));
});

test.run();

/** One reading for every byte, or none. */

import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { canonicalJson } from '../../../../ota/client/tuf/canonical-json.ts';
import { type JsonValue, MOST_DEPTH, readStrictJson } from '../../../../ota/client/tuf/strict-json.ts';
import { refusal } from './support.ts';

const read = (text: string | Uint8Array, fractions = false) =>
  readStrictJson(Buffer.from(text), { what: 'x.json', mostBytes: 1000, fractions });
const plain = (value: unknown) => JSON.parse(JSON.stringify(value));

for (const [name, text] of [
  ['a key twice', '{"a":1,"a":2}'],
  ['a key twice, one of them escaped', '{"a":1,"\\u0061":2}'],
  ['a byte order mark', '\ufeff{}'],
  ['two documents', '{} {}'],
  ['nothing', '  '],
  ['a comma too many', '[1,]'],
  ['a comma too many in an object', '{"a":1,}'],
  ['a key without quotes', '{a:1}'],
  ['no colon', '{"a" 1}'],
  ['an open object', '{"a":1'],
  ['an open array', '[1'],
  ['an open string', '"a'],
  ['a string that ends in a backslash', '"a\\'],
  ['a bare control character', '"a\nb"'],
  ['a wrong escape', '"\\x"'],
  ['half a surrogate pair', '"\\ud800"'],
  ['a fraction', '1.5'],
  ['an exponent', '1e3'],
  ['a negative zero', '-0'],
  ['a leading zero', '01'],
  ['a plus', '+1'],
  ['an integer beyond 2^53-1', '9007199254740992'],
  ['an integer of 500 digits', '1'.repeat(500)],
  ['a word that is none', 'nul'],
  ['a word of JavaScript', 'NaN'],
  ['a comment', '{}//'],
  ['a no-break space', '\u00a0{}'],
] as const)
  test(`refuses ${name}`, async () => {
    const message = await refusal('ota-malformed', () => read(text));
    assert.match(message, /^x\.json /);
  });

test('refuses bytes that are no UTF-8: overlong, half a sequence, a surrogate', async () => {
  for (const bytes of [
    [0x22, 0xc0, 0xaf, 0x22],
    [0x22, 0xe2, 0x82, 0x22],
    [0x22, 0xed, 0xa0, 0x80, 0x22],
    [0xff, 0xfe],
  ])
    assert.match(await refusal('ota-malformed', () => read(Uint8Array.from(bytes))), /is not UTF-8/);
});

test('refuses a byte more than the bound, and one level more', async () => {
  const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
  assert.ok(read(nested(MOST_DEPTH)));
  assert.match(await refusal('ota-malformed', () => read(nested(MOST_DEPTH + 1))), /deeper than 24/);
  assert.is(read(`"${'a'.repeat(998)}"`), 'a'.repeat(998));
  assert.match(await refusal('ota-malformed', () => read(`"${'a'.repeat(999)}"`)), /has 1001 bytes/);
});

test('refuses a value more than the bound, however few bytes it has', async () => {
  const count = (text: string, mostValues: number) =>
    readStrictJson(Buffer.from(text), { what: 'x.json', mostBytes: 1000, mostValues });
  assert.ok(count('{"a":[1,"b",{}]}', 5));
  assert.match(await refusal('ota-malformed', () => count('{"a":[1,"b",{}]}', 4)), /has more than 4 values/);
});

test('a string of escapes alone is read, and refused without its end, in the time of any other', async () => {
  for (const [written, value] of [
    ['\\"', '"'],
    ['\\\\', '\\'],
    ['\\u0061', 'a'],
  ] as const) {
    const body = written.repeat(200_000 / written.length);
    const read = (text: string) => readStrictJson(Buffer.from(text), { what: 'x', mostBytes: 1 << 20 });
    assert.is(read(`"${body}"`), value.repeat(200_000 / written.length));
    await refusal('ota-malformed', () => read(`"${body}`));
    await refusal('ota-malformed', () => read(`"${body}\\"`));
  }
});

test('names of Object.prototype are keys like any other', () => {
  const object = read('{"__proto__":{"a":1},"constructor":2,"toString":3}') as Record<string, JsonValue>;
  assert.equal(Object.keys(object), ['__proto__', 'constructor', 'toString']);
  assert.is(Object.getPrototypeOf(object), null);
  assert.is(({} as Record<string, unknown>).a, undefined);
});

test('fractions are read where they are allowed', () => {
  assert.equal(read('[0.5,-1e-3,1E2,-0.0]', true), [0.5, -0.001, 100, -0]);
});

test('reads what JSON.stringify writes, in any layout', () => {
  fc.assert(
    fc.property(
      fc.jsonValue({ noUnicodeString: false, maxDepth: 5 }),
      fc.constantFrom(0, 1, '\t'),
      (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        assert.equal(
          plain(readStrictJson(Buffer.from(text), { what: 'x', mostBytes: 1e6, fractions: true })),
          plain(value),
        );
      },
    ),
    { numRuns: 300, seed: 5 },
  );
});

test('takes no text that JSON.parse refuses, and reads the others as it does', () => {
  const pieces = [
    '{',
    '}',
    '[',
    ']',
    '"',
    ',',
    ':',
    'a',
    '1',
    '-',
    '.',
    'e',
    '\\',
    'u',
    'true',
    'null',
    ' ',
    '\u0000',
  ];
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 12 }), (parts) => {
      const text = parts.join('');
      let value: unknown;
      try {
        value = read(text, true);
      } catch {
        return;
      }
      assert.equal(plain(value), JSON.parse(text));
    }),
    { numRuns: 5000, seed: 5 },
  );
});

test('what was read has one canonical form, which reads back as the same', () => {
  fc.assert(
    fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
      const text = canonicalJson(value as JsonValue);
      // Canonical JSON leaves control characters bare, which JSON does not have.
      fc.pre(![...text].some((character) => character < ' '));
      const bounds = { what: 'x', mostBytes: 1e6, fractions: true };
      assert.is(canonicalJson(readStrictJson(Buffer.from(text), bounds)), text);
    }),
    { numRuns: 300, seed: 5 },
  );
});

test.run();

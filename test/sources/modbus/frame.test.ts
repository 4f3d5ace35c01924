import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { probeFor } from '../../../runtime/sources/modbus/exchange.ts';
import { expectedAnswer, isAnswer, scan } from '../../../runtime/sources/modbus/frame.ts';
import { rtu } from './device.ts';

const request = (unit: number, fn: number, address: number, count: number) =>
  rtu(Uint8Array.from([unit, fn, address >> 8, address & 255, count >> 8, count & 255]));
const answer = (unit: number, words: readonly number[]) =>
  rtu(Uint8Array.from([unit, 3, words.length * 2, ...words.flatMap((word) => [word >> 8, word & 255])]));

const words = fc.array(fc.integer({ min: 0, max: 65_535 }), { minLength: 1, maxLength: 20 });

test('the answer is found after noise, echoes and other answers, in pieces of any size', () => {
  fc.assert(
    fc.property(words, fc.uint8Array({ maxLength: 12 }), words, fc.boolean(), (mine, noise, theirs, echo) => {
      const asked = request(7, 3, 0, mine.length);
      const whole = answer(7, mine);
      const before = Buffer.concat([noise, echo ? asked : Buffer.alloc(0), answer(9, theirs)]);
      const found = scan(Buffer.concat([before, whole]), expectedAnswer(asked));
      assert.is(found.kind, 'answer');
      if (found.kind === 'answer')
        assert.equal([found.from, found.to], [before.length, before.length + whole.length]);
    }),
    { numRuns: 200 },
  );
});

test('no prefix of an answer is taken for one, nor is its beginning thrown away', () => {
  fc.assert(
    fc.property(words, (mine) => {
      const expected = expectedAnswer(request(7, 3, 0, mine.length));
      const whole = answer(7, mine);
      for (let length = 0; length < whole.length; length++) {
        const found = scan(whole.subarray(0, length), expected);
        assert.equal(found, { kind: 'more', keep: 0, foreign: 0 });
      }
    }),
    { numRuns: 50 },
  );
});

test('random bytes are never an answer', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (noise) => {
      assert.is(scan(noise, expectedAnswer(request(7, 3, 0, 2))).kind, 'more');
    }),
    { numRuns: 500 },
  );
});

test('a late answer cannot pass for the answer to a probe, and no probe for that of the next', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(1, 2, 3, 4) as fc.Arbitrary<1 | 2 | 3 | 4>,
      fc.integer({ min: 1, max: 125 }),
      (fn, count) => {
        const probe = probeFor({ fn, address: 10, count });
        assert.ok('count' in probe && probe.count >= 1 && probe.count <= 2000);
        const size = (n: number) => (fn < 3 ? Math.ceil(n / 8) : n * 2);
        const late = Uint8Array.from([1, fn, size(count), ...new Array(size(count)).fill(0)]);
        assert.ok(isAnswer(late, expectedAnswer(request(1, fn, 10, count))));
        if ('count' in probe) assert.not(isAnswer(late, expectedAnswer(request(1, fn, 10, probe.count))));
      },
    ),
  );
});

test('a write is confirmed only by its own echo', () => {
  const asked = request(1, 6, 5, 77);
  assert.ok(isAnswer(asked.subarray(0, 6), expectedAnswer(asked)));
  assert.not(isAnswer(request(1, 6, 5, 78).subarray(0, 6), expectedAnswer(asked)));
  assert.not(isAnswer(request(2, 6, 5, 77).subarray(0, 6), expectedAnswer(asked)));
});

test.run();

import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  coalesce,
  type Limits,
  type Merged,
  type Span,
  split,
} from '../../../runtime/sources/modbus/coalesce.ts';

const spans = (max: number, length: number, count: number) =>
  fc.array(fc.record({ start: fc.nat({ max }), length: fc.integer({ min: 1, max: length }) }), {
    minLength: 1,
    maxLength: count,
  });

/** Registers a request reads for no span, in runs. */
function widestGap({ spans: inside, start }: Merged<Span>): number {
  let [end, widest] = [start, 0];
  for (const span of inside) {
    widest = Math.max(widest, span.start - end);
    end = Math.max(end, span.start + span.length);
  }
  return widest;
}

function check(all: readonly Span[], merged: readonly Merged<Span>[], limits: Limits): void {
  const covered = merged.flatMap((request) => request.spans);
  assert.is(covered.length, all.length);
  for (const span of all) assert.is(covered.filter((other) => other === span).length, 1);
  for (const request of merged) {
    assert.ok(request.length <= limits.maxLength);
    assert.ok(widestGap(request) <= limits.maxGap);
    for (const span of request.spans) {
      assert.ok(span.start >= request.start && span.start + span.length <= request.start + request.length);
    }
  }
}

test('every span lies whole in exactly one request, within the limits', () => {
  fc.assert(
    fc.property(
      spans(400, 8, 60),
      fc.nat({ max: 20 }),
      fc.integer({ min: 8, max: 125 }),
      (all, maxGap, maxLength) => {
        check(all, coalesce(all, { maxGap, maxLength }), { maxGap, maxLength });
      },
    ),
    { numRuns: 300 },
  );
});

/** The fewest requests by trying every partition. */
function fewest(all: readonly Span[], limits: Limits): number {
  let best = all.length;
  const groups: Span[][] = [];
  const fits = (group: readonly Span[]) => {
    const sorted = [...group].sort((a, b) => a.start - b.start);
    const start = sorted[0]!.start;
    const end = Math.max(...sorted.map((span) => span.start + span.length));
    return (
      end - start <= limits.maxLength &&
      widestGap({ start, length: end - start, spans: sorted }) <= limits.maxGap
    );
  };
  const place = (i: number): void => {
    if (i === all.length) {
      if (groups.every(fits)) best = Math.min(best, groups.length);
      return;
    }
    for (const group of [...groups]) {
      group.push(all[i]!);
      place(i + 1);
      group.pop();
    }
    groups.push([all[i]!]);
    place(i + 1);
    groups.pop();
  };
  place(0);
  return best;
}

test('no partition needs fewer requests', () => {
  fc.assert(
    fc.property(
      spans(24, 6, 6),
      fc.nat({ max: 5 }),
      fc.integer({ min: 6, max: 12 }),
      (all, maxGap, maxLength) => {
        const limits = { maxGap, maxLength };
        assert.is(coalesce(all, limits).length, fewest(all, limits));
      },
    ),
    { numRuns: 300 },
  );
});

test('splitting halves a request until every span stands alone, each request without slack', () => {
  fc.assert(
    fc.property(spans(60, 4, 12), (all) => {
      const whole = coalesce(all, { maxGap: 100, maxLength: 125 })[0]!;
      let parts: Merged<Span>[] = [whole];
      for (let round = 0; parts.some((part) => part.spans.length > 1); round++) {
        assert.ok(round < all.length);
        parts = parts.flatMap((part) => (part.spans.length > 1 ? split(part) : [part]));
        check(whole.spans, parts, { maxGap: 100, maxLength: 125 });
      }
      for (const { start, length, spans: one } of parts) assert.equal({ start, length }, { ...one[0]! });
    }),
    { numRuns: 100 },
  );
});

test('a request is cut where it reads across the widest gap', () => {
  const at = (start: number) => ({ start, length: 1 });
  const whole = coalesce([at(0), at(1), at(2), at(10), at(12)], { maxGap: 8, maxLength: 125 })[0]!;
  assert.equal(
    split(whole).map(({ start, length }) => [start, length]),
    [
      [0, 3],
      [10, 3],
    ],
  );
});

test.run();

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Tag } from '../../../runtime/core/messages.ts';
import { minutes } from '../../../runtime/core/units.ts';
import type { Detector } from '../../../runtime/pipeline/anomaly/detector.ts';
import { contributions, shares } from '../../../runtime/pipeline/decide/contributions.ts';
import type { Evidence } from '../../../runtime/pipeline/decide/evidence.ts';
import { faultKind } from '../../../runtime/pipeline/decide/fault-kind.ts';
import { summarise } from '../../../runtime/pipeline/decide/summary.ts';
import { makeTag } from '../analysis/harness.ts';

/** What one detector says: its score, each tag's contribution, when it fired and how fast it rose. */
interface Says {
  score: number;
  parts: number[] | 'throws';
  since?: number;
  rise?: number;
}

interface Case {
  says: Record<string, Says>;
  row: number[];
  tags?: Tag[];
  strayed?: number[];
  dominant?: string;
}

function evidence({ says, row, tags, strayed, dominant }: Case): Evidence {
  const names = Object.keys(says);
  const of = Object.values(says);
  const columns = tags ?? row.map((_, i) => makeTag(i));
  const detectors = names.map((name, i) => {
    const explain = (into: Float64Array) => {
      const { parts } = of[i]!;
      if (parts === 'throws') throw new TypeError('broken');
      into.set(parts);
    };
    return { name, columns, explain } as unknown as Detector;
  });
  const scores = Float64Array.from(of, ({ score }) => score);
  const best = scores.indexOf(scores.reduce((a, b) => Math.max(a, b)));
  return {
    columns,
    row: Float64Array.from(row),
    normal: row.map(() => ({ low: 1, high: 2 })),
    learned: true,
    detectors,
    scores,
    since: Float64Array.from(of, ({ score, since }) => since ?? (score >= 1 ? 0 : Number.NaN)),
    rise: Float64Array.from(of, ({ rise }) => rise ?? 1),
    strayed: Float64Array.from(strayed ?? row.map(() => 0)),
    dominant: dominant === undefined ? best : names.indexOf(dominant),
  };
}

const kind = (of: Evidence, upsetElsewhere = false) => faultKind(of, shares(of), upsetElsewhere);
const top = (of: Evidence) => contributions(of, shares(of))[0]!;

test('shares sum to at most 1, largest first, at most eight', () => {
  const row = Array.from({ length: 30 }, () => 1.5);
  const of = evidence({ says: { pca: { score: 3, parts: row.map((_, i) => i) } }, row });
  const found = contributions(of, shares(of));
  assert.is(found.length, 8);
  assert.ok(found.reduce((sum, { share }) => sum + share, 0) <= 1);
  for (let i = 1; i < found.length; i++) assert.ok(found[i - 1]!.share >= found[i]!.share);
  assert.is(found[0]!.tag, 't29');
});

test('a rule that fired weighs as much as the model that leads; tags below their own limit carry no blame', () => {
  const of = evidence({
    says: { pca: { score: 3, parts: [1, 1, 2] }, range: { score: 1.5, parts: [1.5, 0.9, 0.9] } },
    row: [9, 1.5, 1.5],
  });
  assert.equal([...shares(of)], [0.625, 0.125, 0.25]);
  assert.is(top(of).direction, 'high');
});

test('negative, infinite and absent contributions do no harm', () => {
  const row = [1.5, 9, 1.5];
  const signed = evidence({ says: { 'isolation-forest': { score: 2, parts: [-1, 3, Number.NaN] } }, row });
  assert.equal([...shares(signed)], [0, 1, 0]);
  const endless = evidence({ says: { pca: { score: 2, parts: [0, Number.POSITIVE_INFINITY, 1] } }, row });
  assert.ok(top(endless).share > 0.99);
  const broken = evidence({ says: { pca: { score: 2, parts: 'throws' } }, row });
  assert.equal(contributions(broken, shares(broken)), []);
  assert.is(kind(broken), 'unknown');
});

test('directions: high, low, frozen, missing, inconsistent', () => {
  const pca = (row: number[]) => evidence({ says: { pca: { score: 2, parts: [1, 0, 0] } }, row });
  assert.is(top(pca([3, 1, 1])).direction, 'high');
  assert.is(top(pca([0.5, 1, 1])).direction, 'low');
  assert.is(top(pca([1.5, 1, 1])).direction, 'inconsistent');
  const missing = top(pca([Number.NaN, 1, 1]));
  assert.is(missing.direction, 'missing');
  assert.is(missing.value, null);
  const frozen = evidence({ says: { 'frozen-value': { score: 2, parts: [2, 0, 0] } }, row: [1.5, 1, 1] });
  assert.is(top(frozen).direction, 'frozen');
  const ewma = evidence({ says: { ewma: { score: 2, parts: [2, 0, 0] } }, row: [1.2, 1, 1] });
  assert.is(top(ewma).direction, 'low');
});

const mixed = () => [
  makeTag(0),
  makeTag(1),
  makeTag(2, { source: 'other' }),
  makeTag(3, { source: 'other' }),
];

test('several tags of one source missing is communication, one is a sensor', () => {
  const missing = (parts: number[]) =>
    evidence({
      says: { 'missing-data': { score: 2, parts } },
      row: parts.map((part) => (part >= 1 ? Number.NaN : 1.5)),
      tags: mixed(),
    });
  assert.is(kind(missing([2, 2, 0, 0])), 'communication');
  assert.is(kind(missing([2, 0, 0, 0])), 'sensor-failure');
  assert.is(kind(missing([2, 0, 2, 0])), 'sensor-failure', 'one of each source');
});

test('a frozen tag is a sensor failure, a source full of them is communication', () => {
  const tags = [0, 1, 2, 3].map((i) => makeTag(i));
  const frozen = (parts: number[]) =>
    evidence({ says: { 'frozen-value': { score: 2, parts } }, row: parts.map(() => 1.5), tags });
  assert.is(kind(frozen([2, 0, 0, 0])), 'sensor-failure');
  assert.is(kind(frozen([2, 2, 2, 0])), 'communication');
});

test('a broken balance of plausible values: at once it may be forged, slowly it drifts', () => {
  const balance = (rise: number, more: Record<string, Says> = {}) =>
    evidence({
      says: { 'cross-sensor-balance': { score: 2, parts: [2, 0.1, 0.1], rise }, ...more },
      row: [1.6, 1.5, 1.5],
    });
  assert.is(kind(balance(3)), 'inconsistent-values');
  assert.is(kind(balance(40)), 'sensor-drift');
  const jump = { 'rate-of-change': { score: 0.2, parts: [0, 0, 0], since: 0 } };
  assert.is(kind(balance(40, jump)), 'inconsistent-values', 'it jumped before');
});

test('a single tag out of range fails, or drifts when it came slowly; many are an upset', () => {
  const row = [9, 1.5, 1.5, 1.5];
  const failure = evidence({
    says: { range: { score: 4, parts: [4, 0, 0, 0] } },
    row,
    strayed: [5, 0, 0, 0],
  });
  assert.is(kind(failure), 'sensor-failure');
  const drift = evidence({ says: { cusum: { score: 2, parts: [2, 0, 0, 0] } }, row, strayed: [5, 0, 0, 0] });
  assert.is(kind(drift), 'sensor-drift');
  const upset = evidence({ says: { pca: { score: 4, parts: [3, 3, 3, 1] } }, row, strayed: [9, 8, 7, 1] });
  assert.is(kind(upset), 'process-upset');
  const back = evidence({
    says: { pca: { score: 1, parts: [1, 0, 0, 0] } },
    row: [1.5, 1, 1, 1],
    strayed: [9, 1, 1, 1],
  });
  assert.is(kind(back), 'sensor-failure', 'what it was like before the recovery counts');
});

test('a single tag beside an upset elsewhere follows from it, unless a fact speaks against that', () => {
  const drift = evidence({
    says: { cusum: { score: 2, parts: [2, 0, 0] } },
    row: [9, 1, 1],
    strayed: [5, 0, 0],
  });
  assert.is(kind(drift, true), 'process-upset');
  const frozen = evidence({ says: { 'frozen-value': { score: 2, parts: [2, 0, 0] } }, row: [1.5, 1, 1] });
  assert.is(kind(frozen, true), 'sensor-failure');
});

test('nothing to go by is unknown', () => {
  const none = evidence({ says: { pca: { score: 1, parts: [0, 0, 0] } }, row: [1.5, 1.5, 1.5] });
  assert.is(kind(none), 'unknown');
});

test('the summary is a sentence for a person', () => {
  const of = evidence({
    says: { pca: { score: 2, parts: [3, 1, 0] } },
    row: [0.4123456, 9, 1],
    tags: [makeTag(0, { name: 'bio-do-1' }), makeTag(1, { name: 'bio-nh4-2' }), makeTag(2)],
  });
  const input = {
    group: 'biological',
    duration: minutes(5),
    faultKind: 'process-upset' as const,
    learning: false,
    contributions: contributions(of, shares(of)),
  };
  assert.is(
    summarise({ ...input, phase: 'start' }),
    'biological: bio-do-1 at 0.4123 mg/L (normal 1 … 2), with bio-nh4-2 high; looks like a process upset',
  );
  assert.is(
    summarise({ ...input, phase: 'end' }),
    'biological: over after 5 min; bio-do-1 looked like a process upset',
  );
  assert.is(
    summarise({ ...input, phase: 'start', contributions: [], faultKind: 'unknown' }),
    'biological: unusual as a whole; looks like nothing known',
  );
});

test.run();

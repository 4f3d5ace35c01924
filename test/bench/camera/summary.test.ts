import assert from 'node:assert/strict';
import { suite } from 'uvu';
import { summarise } from '../../../bench/camera/summary.ts';

const test = suite('summary of a measured node');

const frame = (at: number, toEvent: number) => {
  const stages = { handOver: 1, detect: toEvent - 3, toNode: 1, scene: 1 };
  return { at, ...stages, toEvent };
};

test('spreads, growth and what publishing adds', () => {
  const frames = Array.from({ length: 100 }, (_, i) => frame(i * 100, 10 + i / 10));
  const memory = Array.from({ length: 1000 }, (_, i) => ({
    at: i / 100,
    rssMb: i < 500 ? 90 + i / 50 : 100,
  }));
  const all = summarise({ seconds: 10, frames, memory, accepted: [5, 7], acknowledged: [9, 11] });
  assert.equal(all.frames, 100);
  assert.deepEqual(all.handOver, { mean: 1, p50: 1, p95: 1 });
  assert.ok(Math.abs(all.toEvent.p95 - 19.4) < 1e-9);
  assert.ok(Math.abs(all.delayGrowth - 7.5) < 1e-9);
  assert.equal([all.publishMean, all.events, all.visionRssMb, all.visionRssGrowthMb].join(), '4,2,100,0');
});

test('memory that grows all the time', () => {
  const memory = Array.from({ length: 1000 }, (_, at) => ({ at, rssMb: 80 + at / 100 }));
  const all = summarise({ seconds: 1000, frames: [frame(0, 5)], memory, accepted: [], acknowledged: [] });
  assert.ok(Math.abs(all.visionRssGrowthMb - 5) < 1e-9);
});

test.run();

import assert from 'node:assert/strict';
import { suite } from 'uvu';
import { readProcess, robustSlope } from '../../../bench/lib/proc.ts';

const test = suite('process readings');

test('reads this process', () => {
  const reading = readProcess(process.pid);
  const rss = process.memoryUsage.rss() / 1e6;
  assert.ok(Math.abs(reading.rssMb - rss) < 20, `${reading.rssMb} and ${rss} MB`);
  assert.ok(reading.anonMb > 1 && reading.anonMb < reading.rssMb);
  assert.ok(reading.threads >= 1);
  assert.ok(reading.cpuSeconds >= 0 && reading.writtenBytes >= 0);
});

test('says that a process ended', () => {
  assert.throws(() => readProcess(2 ** 30), { code: 'bench-process' });
});

test('the slope is that of the line, whatever a few readings say', () => {
  const points = Array.from({ length: 40 }, (_, x) => ({ x, y: 3 + 0.5 * x }));
  points[7]!.y = 1000;
  points[30]!.y = -1000;
  assert.ok(Math.abs(robustSlope(points) - 0.5) < 1e-9);
  assert.equal(robustSlope([]), 0);
  assert.equal(robustSlope([{ x: 1, y: 2 }]), 0);
});

test.run();

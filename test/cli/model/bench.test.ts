/** `vigie model bench`: every combination is measured, and what cannot be is named. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { timing } from '../../../runtime/cli/model/statistics.ts';
import { vigie } from '../../support/cli.ts';
import { writeAll } from './made-models.ts';

const folder = mkdtempSync(join(tmpdir(), 'vigie-model-bench-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));
const files = writeAll(folder);

test('bench: a line for each backend and number of threads, with the figures', async () => {
  const { code, stdout } = await vigie([
    ...['model', 'bench', files.classifier],
    ...['--threads', '1,2', '--seconds', '1', '--backend', 'xnnpack', '--backend', 'onnxruntime', '--json'],
  ]);
  const { machine, results, passedOver } = JSON.parse(stdout);
  assert.is(code, 0);
  assert.type(machine, 'string');
  const key = (one: { backend: string; threads: number }) => `${one.backend} ${one.threads}`;
  assert.equal(results.map(key), ['xnnpack 1', 'xnnpack 2', 'onnxruntime 1', 'onnxruntime 2']);
  for (const one of results) {
    assert.ok(one.p50Ms > 0 && one.p50Ms <= one.p95Ms && one.p95Ms <= one.p99Ms, JSON.stringify(one));
    assert.ok(one.perSecond > 0 && one.loadMs > 0 && one.peakBytes >= 0);
  }
  assert.equal(passedOver, []);
});

test('as a table; nothing that could be measured ends with 1', async () => {
  const text = await vigie(['model', 'bench', files.rows, '--backend', 'onnxruntime', '--seconds', '1']);
  assert.is(text.code, 0);
  assert.match(
    text.stdout,
    /\nmodel +backend +threads +p50 ms +p95 ms +p99 ms +per s +load ms +memory\n.*rows\.onnx +onnxruntime +1 /,
  );
  const none = await vigie(['model', 'bench', files.unsupported, '--backend', 'xnnpack', '--json']);
  assert.is(none.code, 1);
  assert.is(JSON.parse(none.stdout).passedOver[0].code, 'model-unsupported');
});

test('percentiles are times that were measured', () => {
  const times = Array.from({ length: 100 }, (_, index) => 100 - index);
  const { p50Ms, p95Ms, p99Ms, meanMs, runs } = timing(times);
  assert.equal([runs, p50Ms, p95Ms, p99Ms, meanMs], [100, 50, 95, 99, 50.5]);
  assert.equal(timing([2]), { runs: 1, p50Ms: 2, p95Ms: 2, p99Ms: 2, meanMs: 2, perSecond: 500 });
});

test.run();

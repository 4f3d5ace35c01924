/** The self-test's child: right and wrong outputs, crashes, hangs and leaks, each a named error. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { bytes, millis } from '../../../runtime/core/units.ts';
import { Models } from '../../../runtime/pipeline/models/models.ts';
import type { SelftestLimits } from '../../../runtime/pipeline/models/selftest.ts';
import { bundleOf, removeBundles, scoreCase, scoreOnnx } from '../../support/bundles.ts';
import { rejects } from '../../support/rejects.ts';
import { testSpine } from '../../support/spine.ts';
import { slowPlan } from '../../support/tiny-models.ts';

test.after(removeBundles);
const { signal } = new AbortController();

function models(selftest: SelftestLimits = {}): Models {
  const machine = { backends: ['xnnpack', 'onnxruntime'], precision: 'float32', session: {} } as const;
  return new Models({ machine: () => machine, unavailable: async () => new Map(), selftest, ...testSpine() });
}

test('golden vectors that come out right pass', async () => {
  await models().selftest(bundleOf({ cases: [scoreCase([1, 2], 3), scoreCase([5, 5], 10)] }), signal);
});

test('a wrong output is named, with what was expected', async () => {
  const wrong = bundleOf({ model: scoreOnnx(2, 1.5), cases: [scoreCase([1, 2], 3)] });
  const { message } = await rejects(models().selftest(wrong, signal), 'selftest-failed');
  assert.match(message, /score 1.*output 'score'.*4\.5.*3/);
});

test('case 49: a model that cannot be loaded is told from one that is wrong', async () => {
  const broken = bundleOf({ model: Buffer.from('no model'), cases: [scoreCase([1, 2], 3)] });
  const { message } = await rejects(models().selftest(broken, signal), 'no-backend');
  assert.match(message, /score 1/);
});

test('without golden vectors the model must still load and run', async () => {
  await models().selftest(bundleOf(), signal);
  await rejects(models().selftest(bundleOf({ model: Buffer.from('x') }), signal), 'no-backend');
});

test('a damaged file of vectors is an input error', async () => {
  const bundle = bundleOf({ cases: [scoreCase([1, 2], 3)] });
  const damaged = {
    ...bundle,
    file: (path: string) => bundle.file(path === 'golden.bin' ? 'manifest.json' : path),
  };
  await rejects(models().selftest(damaged, signal), 'vectors-invalid');
});

const slow = () =>
  bundleOf({
    files: { 'model.xnn': slowPlan(400) },
    artifacts: [{ backend: 'xnnpack', precision: 'float32', path: 'model.xnn' }],
  });

test('case 49: a model that hangs is ended', async () => {
  const limited = models({ time: millis(50) });
  const { message } = await rejects(limited.selftest(slow(), signal), 'selftest-time');
  assert.match(message, /0\.05 s/);
});

test('case 49: a model that takes too much memory is ended', async () => {
  await rejects(models({ memory: bytes(1) }).selftest(slow(), signal), 'selftest-memory');
});

test('case 49: a model that crashes its process is reported with how it ended', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'vigie-crash-'));
  const crash = join(folder, 'crash.cjs');
  // As a fault in native code would: after the child has the job.
  writeFileSync(crash, "process.on('message', () => process.kill(process.pid, 'SIGSEGV'));");
  const options = process.env.NODE_OPTIONS;
  process.env.NODE_OPTIONS = `--require ${crash}`;
  try {
    const { message } = await rejects(models().selftest(slow(), signal), 'selftest-crashed');
    assert.match(message, /SIGSEGV/);
  } finally {
    if (options === undefined) delete process.env.NODE_OPTIONS;
    else process.env.NODE_OPTIONS = options;
    rmSync(folder, { recursive: true });
  }
});

test('it ends when the node stops', async () => {
  const abort = new AbortController();
  const running = models().selftest(slow(), abort.signal);
  abort.abort();
  await rejects(running, 'selftest-stopped');
});

test.run();

/** Builds that are ended: by a cap, by the node, by the death of whoever started them, by a power cut. */

import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { packageRoot } from '../../../../runtime/core/paths.ts';
import { bytes, millis } from '../../../../runtime/core/units.ts';
import { standinFolder, withFaults } from '../../../support/tensorrt-standin.ts';
import { waitFor } from '../../../support/wait.ts';
import { bench, failure, inferred, load } from './harness.ts';

const LIMITS = { memory: bytes(1e9), keepAvailable: bytes(0), time: millis(240_000) };

async function fails(limits: Partial<typeof LIMITS>, faults: Record<string, number>, signal?: AbortSignal) {
  const at = bench({ limits: { ...LIMITS, ...limits } });
  try {
    const error = await withFaults(faults, () => failure(at.open({}, signal)));
    assert.equal(existsSync(at.cache) ? readdirSync(at.cache) : [], []);
    return error;
  } finally {
    at.end();
  }
}

test('a build that uses too much memory is ended', async () => {
  const error = await fails({ memory: bytes(300e6) }, { BUILD_EATS_MIB: 400, BUILD_MS: 60_000 });
  assert.is(error.code, 'build-memory');
  assert.match(
    error.message,
    /model\.onnx: the engine build was ended: it used \d+ bytes of memory, the cap is 300000000/,
  );
});

test('a build that leaves too little memory to the machine is ended', async () => {
  const error = await fails({ keepAvailable: bytes(2 ** 50) }, { BUILD_MS: 60_000 });
  assert.is(error.code, 'build-memory');
  assert.match(error.message, /were left to the machine/);
});

test('a build that takes too long is ended', async () => {
  const error = await fails({ time: millis(1500) }, { BUILD_MS: 60_000 });
  assert.is(error.code, 'build-time');
});

test('a build ends with the node', async () => {
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 500);
  assert.is((await fails({}, { BUILD_MS: 60_000 }, controller.signal)).code, 'build-stopped');
});

test('the previous engine serves while the next is built', async () => {
  const at = bench();
  try {
    const previous = await at.open();
    const next = withFaults({ BUILD_MS: 500 }, () => at.open({ precision: 'fp16' }));
    await waitFor('the build', () => at.builds() === 2);
    assert.equal(await inferred(previous, [1, 2, 3]), [3, 5, 7]);
    await (await next).close();
    await previous.close();
  } finally {
    at.end();
  }
});

/** The builder as a program, on a bench's model. */
function startBuilder(output: string, folder: string, model: string) {
  const program = join(packageRoot, 'runtime/pipeline/inference/tensorrt/build-engine.ts');
  const batch = { maxBatch: 1, optimalBatch: 1 };
  const build = { model, precision: 'fp32', ...batch, workspaceBytes: 0, calibrationFolder: '' };
  const key = 'capability=8.7\ngpu=Stand-in GPU\ntensorrt=10.3.0';
  const job = { build, key, output, timingCache: join(folder, 'timings'), libraryFolders: [standinFolder()] };
  return spawn(process.execPath, ['--disable-warning=ExperimentalWarning', program, JSON.stringify(job)], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
}

test('the builder has the lowest priority and dies with whoever started it', async () => {
  const at = bench();
  try {
    const child = await withFaults({ BUILD_MS: 60_000 }, () =>
      startBuilder(join(at.folder, 'x.engine'), at.folder, at.model),
    );
    await waitFor('the build', () => at.builds() === 1);
    const nice = () =>
      readFileSync(`/proc/${child.pid}/stat`, 'latin1')
        .replace(/^.*\) /, '')
        .split(' ')[16];
    assert.is(nice(), '19');
    child.disconnect();
    assert.is(await waitFor('its end', () => child.signalCode ?? undefined), 'SIGKILL');
  } finally {
    at.end();
  }
});

test('whenever the power fails, the file is absent or whole', async () => {
  const at = bench();
  try {
    const output = join(at.folder, 'x.engine');
    let whole = 0;
    for (let round = 0; round < 10; round++) {
      const before = at.builds();
      const child = startBuilder(output, at.folder, at.model);
      const closed = new Promise((resolve) => child.once('close', resolve));
      await waitFor('the build', () => at.builds() > before || child.exitCode !== null);
      // From now on the engine is written; a little later each time.
      await new Promise((resolve) => setTimeout(resolve, round * 2));
      child.kill('SIGKILL');
      await closed;
      if (!existsSync(output)) continue;
      whole++;
      const session = await load(output);
      await session.close();
    }
    assert.ok(whole > 0, 'some were published in time');
  } finally {
    at.end();
  }
});

test.run();

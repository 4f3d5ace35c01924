/** The addon in worker threads, in processes that exit at any moment, and under garbage collection. */

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { IsolationForest } from '../../runtime/addon/isolation-forest.ts';
import { randomRows } from './support.ts';

const MODULE = new URL('../../runtime/addon/isolation-forest.ts', import.meta.url).href;
const FIT = `
  const { IsolationForest } = await import(${JSON.stringify(MODULE)});
  const rows = Float64Array.from({ length: 4000 * 8 }, (_, i) => (i * 7919) % 1009);
  const forest = IsolationForest.fit({ rows, width: 8, seed: 5 });
`;
const run = promisify(execFile);
const inline = (code: string, ...flags: string[]) =>
  run(process.execPath, [
    ...flags,
    '--disable-warning=ExperimentalWarning',
    '--input-type=module',
    '-e',
    code,
  ]);

test('worker threads fit the same forest beside the main thread', async () => {
  const code = `import { parentPort } from 'node:worker_threads'; ${FIT}
    parentPort.postMessage([forest.score(rows.subarray(0, 8)), (await forest.scoreBatchAsync(rows))[1]]);`;
  const results = await Promise.all(
    [0, 1, 2].map(
      () =>
        new Promise((resolve, reject) => {
          const worker = new Worker(code, { eval: true, execArgv: ['--input-type=module'] });
          let answer: unknown;
          worker.on('message', (message) => {
            answer = message;
          });
          worker.on('error', reject);
          worker.on('exit', (status) =>
            status === 0 ? resolve(answer) : reject(new Error(`exit ${status}`)),
          );
        }),
    ),
  );
  const rows = Float64Array.from({ length: 4000 * 8 }, (_, i) => (i * 7919) % 1009);
  const forest = IsolationForest.fit({ rows, width: 8, seed: 5 });
  const expected = [forest.score(rows.subarray(0, 8)), forest.score(rows.subarray(8, 16))];
  assert.equal(results, [expected, expected, expected]);
});

test('a worker terminated in the middle of batches takes nothing with it', async () => {
  const code = `import { parentPort } from 'node:worker_threads'; ${FIT}
    for (let i = 0; i < 40; i++) forest.scoreBatchAsync(rows).then(() => forest.score(rows.subarray(0, 8)));
    parentPort.postMessage('busy');
    await new Promise(() => setInterval(() => {}, 1000));`;
  for (let i = 0; i < 4; i++) {
    const worker = new Worker(code, { eval: true, execArgv: ['--input-type=module'] });
    await new Promise((resolve, reject) => {
      worker.on('message', resolve);
      worker.on('error', reject);
    });
    await worker.terminate();
  }
});

test('a process may exit while batches run, with status 0', async () => {
  for (const ending of ['process.exit(0);', '', 'process.exitCode = 0; forest.dispose();']) {
    const { stderr } = await inline(
      `${FIT} for (let i = 0; i < 30; i++) forest.scoreBatchAsync(rows); ${ending}`,
    );
    assert.is(stderr, '');
  }
});

test('forgotten forests are collected and their memory goes with them', async () => {
  const code = `${FIT}
    const out = new Float64Array(8);
    const round = () => {
      for (let i = 0; i < 50; i++) IsolationForest.fit({ rows, width: 8, seed: i }).explain(rows.subarray(0, 8), out);
    };
    for (let i = 0; i < 4; i++) { round(); gc(); await new Promise((r) => setTimeout(r, 10)); }
    const before = process.memoryUsage.rss();
    for (let i = 0; i < 16; i++) { round(); gc(); await new Promise((r) => setTimeout(r, 10)); }
    console.log((process.memoryUsage.rss() - before) / 1e6);`;
  const { stdout } = await inline(code, '--expose-gc');
  // 800 forests of about 1 MB each.
  assert.ok(Number(stdout) < 100, `grew by ${stdout} MB`);
});

test('batches of every size come back in order', async () => {
  const width = 5;
  const rows = randomRows(1000, width, 2);
  const forest = IsolationForest.fit({ rows, width, seed: 1 });
  const sizes = [0, 1, 2, 7, 8, 9, 1000];
  const batches = await Promise.all(sizes.map((n) => forest.scoreBatchAsync(rows.subarray(0, n * width))));
  batches.forEach((scores, k) => {
    assert.is(scores.length, sizes[k]);
    scores.forEach((score, i) => {
      assert.is(score, forest.score(rows.subarray(i * width, (i + 1) * width)));
    });
  });
});

test.run();

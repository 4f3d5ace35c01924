/** Sessions on the stand-in, through the addon. */

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { takeTensorrtLog } from '../../../../runtime/addon/tensorrt.ts';
import { createLog } from '../../../../runtime/core/log.ts';
import { millis } from '../../../../runtime/core/units.ts';
import { followTensorrtLog } from '../../../../runtime/pipeline/inference/tensorrt/log.ts';
import { withFaults } from '../../../support/tensorrt-standin.ts';
import { type Bench, bench, failure, inferred, type Line } from './harness.ts';

let at: Bench;
test.before(() => {
  at = bench();
});
test.after(() => at.end());

test('two sessions run side by side', async () => {
  const [one, two] = [await at.open(), await at.open()];
  await withFaults({ ENQUEUE_MS: 50 }, async () => {
    const rounds = [1, 2, 3].map(async (x) => {
      const session = x === 2 ? two : undefined;
      return session ? await inferred(session, [x, x, x]) : undefined;
    });
    const [ofOne] = await Promise.all([inferred(one, [7, 8, 9]), ...rounds]);
    assert.equal(ofOne, [15, 17, 19]);
  });
  assert.equal(await inferred(two, [0, 0, 0]), [1, 1, 1]);
  await one.close();
  assert.equal(await inferred(two, [1, 0, 0]), [3, 1, 1]);
  await two.close();
});

test('close waits for the running call', async () => {
  const session = await at.open();
  await withFaults({ ENQUEUE_MS: 200 }, async () => {
    const running = inferred(session, [1, 2, 3]);
    const closing = session.close();
    assert.equal(await running, [3, 5, 7]);
    await closing;
  });
  assert.is((await failure(inferred(session, [1, 2, 3]))).code, 'session-closed');
});

test('a failed call says why, and the session goes on', async () => {
  const session = await at.open();
  const fault = (name: string) => withFaults({ FAIL: name }, () => failure(inferred(session, [1, 2, 3])));
  const refused = await fault('enqueue');
  assert.is(refused.code, 'model-run');
  assert.match(refused.message, /enqueueV3: stand-in told to fail/);
  assert.match((await fault('gpu')).message, /illegal memory access.*CUDA error 700/);
  assert.equal(await inferred(session, [1, 2, 3]), [3, 5, 7]);
  await session.close();
});

test('a batch beyond the engine is refused by both sizes', async () => {
  const session = await at.open();
  const rows = Array.from({ length: 5 }, () => [0, 0, 0]);
  const error = await failure(inferred(session, ...rows));
  assert.is(error.code, 'bad-argument');
  assert.match(error.message, /\[5,3\].*\[1,3\] to \[4,3\]/);
  await session.close();
});

test("a session's lines reach the log", async () => {
  takeTensorrtLog();
  const lines: Line[] = [];
  const end = followTensorrtLog(
    createLog('info', (line) => lines.push(JSON.parse(line) as Line)),
    millis(1e6),
  );
  await (await at.open()).close();
  end();
  assert.ok(
    lines.some((line) => line.event === 'tensorrt.line' && line.message.startsWith('Loaded engine size')),
  );
});

test.run();

/** Vision processes that are killed, hang, take too much or cannot even start. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { camera, canCapture, stoppedAfterEach, type TestGroup } from '../../support/cameras.ts';
import { waitFor } from '../../support/wait.ts';

const folder = mkdtempSync(join(tmpdir(), 'vigie-group-'));
test.after(() => rmSync(folder, { recursive: true }));

const start = stoppedAfterEach();

const isOk = ({ group }: TestGroup) => waitFor('frames', () => group.health().state === 'ok');

if (canCapture()) {
  test('a process killed with -9 is started again, and says so', async () => {
    const test = await start([camera({})]);
    await isOk(test);
    const before = test.group.pid!;
    process.kill(before, 'SIGKILL');
    await waitFor('the step', () => test.steps()[0] === 'restart-process process-exited');
    assert.match(test.events[0]!.detail, 'SIGKILL');
    await waitFor('another process', () => test.group.pid !== undefined && test.group.pid !== before);
    await isOk(test);
  });

  test('a process that hangs is killed and started again', async () => {
    const test = await start([camera({})]);
    await isOk(test);
    // As a hang in native code: nothing runs, nothing ends.
    process.kill(test.group.pid!, 'SIGSTOP');
    await waitFor('the step', () => test.steps()[0] === 'restart-process process-hung');
    await isOk(test);
    await waitFor('the recovery', () => test.steps()[1] === 'recovered healed');
    assert.is(test.events.length, 2);
  });

  test('a process beyond its memory is started again', async () => {
    const small = camera({ memory: { most: '64MiB' } });
    const test = await start([small]);
    await waitFor('the step', () => test.steps().includes('restart-process memory-ceiling'));
    assert.match(test.events[0]!.detail, 'at most 64 MiB');
  });

  test('a process that cannot even start is told and tried again', async () => {
    const module = join(folder, 'broken.mjs');
    writeFileSync(module, 'process.exit(3)');
    const test = await start([camera({})], { module });
    await waitFor(
      'two steps',
      () => test.steps().filter((step) => step === 'restart-process process-exited').length >= 2,
    );
    assert.match(test.events[0]!.detail, 'status 3');
    await rejects(test.group.picture('gate', { quality: 80 }));
  });

  test('a process that speaks nonsense is ended', async () => {
    const module = join(folder, 'mad.mjs');
    writeFileSync(
      module,
      "import { writeSync } from 'node:fs'; writeSync(3, 'x'.repeat(100)); setInterval(() => {}, 1000);",
    );
    const test = await start([camera({})], { module });
    await waitFor('a step', () => test.steps()[0] === 'restart-process process-exited');
    assert.match(test.events[0]!.detail, 'is no message');
  });
}

async function rejects(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    assert.is((error as { code?: string }).code, 'no-picture');
    return;
  }
  assert.unreachable();
}

test.run();

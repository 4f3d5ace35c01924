import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { VigieError } from '../../../runtime/core/errors.ts';
import { MOST_WAITING } from '../../../runtime/pipeline/inference/session.ts';
import { SessionQueue } from '../../../runtime/pipeline/inference/session-queue.ts';

const outcome = (promise: Promise<unknown>): Promise<unknown> =>
  promise.catch((error: VigieError) => error.code ?? error);

test('work starts at once when nothing runs, then one at a time in order, failures included', async () => {
  const queue = new SessionQueue('model');
  const log: string[] = [];
  const work = (name: string) => async () => {
    log.push(`+${name}`);
    await undefined;
    log.push(`-${name}`);
    if (name === 'b') throw new TypeError('b failed');
    return name;
  };
  const calls = ['a', 'b', 'c'].map((name) => outcome(queue.add(work(name))));
  assert.equal(log, ['+a'], 'before anything is awaited');
  const [a, b, c] = await Promise.all(calls);
  assert.is(a, 'a');
  assert.instance(b, TypeError);
  assert.is(c, 'c');
  assert.equal(log, ['+a', '-a', '+b', '-b', '+c', '-c']);
  assert.is(
    await outcome(
      queue.add(() => {
        throw new TypeError('thrown, not rejected');
      }),
    ).then((error) => (error as Error).message),
    'thrown, not rejected',
  );
  assert.is(await queue.add(async () => 'still usable'), 'still usable');
});

test('close waits for the running work, rejects the rest, and frees once', async () => {
  const queue = new SessionQueue('model');
  let finish = (): void => {};
  const running = queue.add(
    () =>
      new Promise<string>((resolve) => {
        finish = () => resolve('done');
      }),
  );
  const waiting = Array.from({ length: MOST_WAITING }, () => outcome(queue.add(async () => 'never')));
  assert.is(await outcome(queue.add(async () => 0)), 'session-busy');
  let freed = 0;
  const free = async () => {
    freed++;
  };
  const closes = [queue.close(free), queue.close(free)];
  assert.is(await outcome(queue.add(async () => 0)), 'session-closed');
  assert.equal(await Promise.all(waiting), Array(MOST_WAITING).fill('session-closed'));
  assert.is(freed, 0, 'not while work runs');
  finish();
  assert.is(await running, 'done');
  await Promise.all(closes);
  await queue.close(free);
  assert.is(freed, 1);
});

test('who is rejected by close and calls again is refused again', async () => {
  const queue = new SessionQueue('model');
  const running = queue.add(() => new Promise((resolve) => setImmediate(resolve)));
  const again = queue.add(async () => 0).catch(() => outcome(queue.add(async () => 0)));
  await queue.close(async () => {});
  assert.is(await again, 'session-closed');
  await running;
});

test('an error of free reaches everyone who closes', async () => {
  const queue = new SessionQueue('model');
  const free = async () => {
    throw new TypeError('stuck');
  };
  assert.instance(await outcome(queue.close(free)), TypeError);
  assert.instance(await outcome(queue.close(free)), TypeError);
});

test.run();

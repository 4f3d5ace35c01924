/** Reloads of a node: how often, in which order, and none after the stop. */

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { findDevice } from '../runtime/config/device-profile/device.ts';
import type { RunnableConfig } from '../runtime/config/last-known-good.ts';
import { type Config, rootConfig } from '../runtime/config/schema/root.ts';
import { SystemClock } from '../runtime/core/clock.ts';
import { type Component, HEALTHY } from '../runtime/core/component.ts';
import { millis } from '../runtime/core/units.ts';
import { VigieNode } from '../runtime/node.ts';
import { SourceProgress } from '../runtime/supervisor/source-progress.ts';
import { Supervisor } from '../runtime/supervisor/supervisor.ts';
import { testSpine } from './support/spine.ts';

const source = (period: string) => ({
  type: 'modbus',
  name: 'bus',
  period: '5s',
  timeout: period,
  tcp: { host: 'x' },
  units: [{ id: 1, tags: [{ name: 't', address: 0 }] }],
});
const config = (timeout: string): Config =>
  rootConfig.parse({ node: { site: 's', name: 'n' }, sources: [source(timeout)] });

/** A node whose one source writes down what becomes of it, and whose file is read when `finish` is called. */
function node(start: (name: string) => Promise<void> = async () => {}) {
  const calls: string[] = [];
  const reads: ((running: RunnableConfig) => void)[] = [];
  const part = (name: string): Component => ({
    name: 'bus',
    start: () => {
      calls.push(`+${name}`);
      return start(name);
    },
    stop: async () => void calls.push(`-${name}`),
    health: () => HEALTHY,
  });
  const { log } = testSpine();
  const supervisor = new Supervisor({
    components: [part('first')],
    clock: new SystemClock(),
    log,
    onHealthChange: () => {},
  });
  const running: RunnableConfig = {
    config: config('100ms'),
    device: findDevice(),
    state: 'ok',
    problems: [],
  };
  const vigie = new VigieNode(
    {
      supervisor,
      log,
      loadConfig: () => new Promise((resolve) => reads.push(resolve)),
      configureCameras: () => {},
      makeSource: () => part('second'),
      status: () => {
        throw new RangeError('not asked for here');
      },
      progress: new SourceProgress([], millis(0)),
      stuck: () => undefined,
      tags: 0,
      cameras: [],
    },
    running,
  );
  const changed: RunnableConfig = { ...running, config: config('200ms') };
  return { vigie, calls, reads, running, changed };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

test('a storm of reloads reads the file once more than is under way, not once for each', async () => {
  const { vigie, reads, running } = node();
  await vigie.start();
  const first = vigie.reload();
  await settle();
  const storm = Array.from({ length: 100 }, () => vigie.reload());
  reads[0]!(running);
  await first;
  await settle();
  reads[1]!(running);
  await Promise.all(storm);
  assert.is(reads.length, 2);
  await vigie.stop();
});

test('a reload waits for the start, so that no source is started twice', async () => {
  let started = () => {};
  const slow = new Promise<void>((resolve) => {
    started = resolve;
  });
  const { vigie, calls, reads, changed } = node((name) => (name === 'first' ? slow : Promise.resolve()));
  const start = vigie.start();
  const reload = vigie.reload();
  await settle();
  assert.is(reads.length, 0);
  started();
  await start;
  await settle();
  reads[0]!(changed);
  await reload;
  assert.equal(calls, ['+first', '-first', '+second']);
  await vigie.stop();
});

test('a reload under way when the stop comes starts nothing', async () => {
  const { vigie, calls, reads, changed } = node();
  await vigie.start();
  const reload = vigie.reload();
  await settle();
  const later = vigie.reload();
  await vigie.stop();
  reads[0]!(changed);
  await Promise.all([reload, later]);
  assert.equal(calls, ['+first', '-first']);
  assert.is(reads.length, 1);
});

test.run();

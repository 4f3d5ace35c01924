import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { SystemClock } from '../../runtime/core/clock.ts';
import { type Component, HEALTHY, type Health } from '../../runtime/core/component.ts';
import { createLog } from '../../runtime/core/log.ts';
import { millis } from '../../runtime/core/units.ts';
import { retryDelay } from '../../runtime/supervisor/back-off.ts';
import { type HealthChange, HealthWatch, worstOf } from '../../runtime/supervisor/health-watch.ts';
import { Supervisor } from '../../runtime/supervisor/supervisor.ts';

const part = (name: string, calls: string[], over: Partial<Component> = {}): Component => ({
  name,
  start: async () => void calls.push(`+${name}`),
  stop: async () => void calls.push(`-${name}`),
  health: () => HEALTHY,
  ...over,
});

function supervise(components: Component[], stopDeadline = millis(300)) {
  const lines: string[] = [];
  const changes: HealthChange[] = [];
  const log = createLog('trace', (line) => lines.push(line));
  const supervisor = new Supervisor({
    components,
    clock: new SystemClock(),
    log,
    onHealthChange: (change) => changes.push(change),
    stopDeadline,
  });
  return { supervisor, lines, changes };
}

test('components start in order and stop in reverse, once', async () => {
  const calls: string[] = [];
  const { supervisor } = supervise([part('a', calls), part('b', calls)]);
  await supervisor.start();
  assert.equal(await Promise.all([supervisor.stop(), supervisor.stop()]), [[], []]);
  assert.equal(calls, ['+a', '+b', '-b', '-a']);
});

test('a component that fails to start degrades the node, is tried again, and the others run', async () => {
  const calls: string[] = [];
  let attempts = 0;
  const failing = part('bus', calls, {
    start: async () => {
      attempts += 1;
      if (attempts === 1) throw new RangeError('no such port');
    },
  });
  const { supervisor, changes } = supervise([failing, part('sink', calls)]);
  await supervisor.start();
  assert.equal(calls, ['+sink']);
  assert.equal(supervisor.components().bus, { state: 'failed', detail: 'no such port' });
  assert.is(supervisor.health().state, 'degraded');
  assert.equal(
    changes.map(({ component, state }) => [component, state]),
    [['bus', 'failed']],
  );
  while (attempts < 2) await new Promise((resolve) => setTimeout(resolve, 50));
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(supervisor.components().bus, HEALTHY);
  await supervisor.stop();
});

test('who does not stop in time, and who throws, is named; the rest still stops', async () => {
  const calls: string[] = [];
  const stuck = part('stuck', calls, { stop: () => new Promise(() => {}) });
  const rude = part('rude', calls, { stop: () => Promise.reject(new RangeError('no')) });
  const { supervisor, lines } = supervise([part('first', calls), stuck, rude]);
  await supervisor.start();
  assert.equal(await supervisor.stop(), ['rude', 'stuck']);
  assert.ok(calls.includes('-first'));
  assert.match(lines.join(''), /"component":"stuck".*still busy/);
});

test('a stop during the start ends it: what was not begun never begins, and nothing keeps the process alive', async () => {
  const calls: string[] = [];
  let begun = () => {};
  const slow = part('slow', calls, {
    start: (signal) =>
      new Promise((resolve) => {
        signal.addEventListener('abort', () => {
          calls.push('+slow');
          resolve();
        });
        begun();
      }),
  });
  const { supervisor } = supervise([slow, part('later', calls)]);
  const beginning = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const started = supervisor.start();
  await beginning;
  assert.equal(await supervisor.stop(), []);
  await started;
  assert.equal(calls, ['+slow', '-later', '-slow']);
  await supervisor.replace(part('later', calls));
  assert.not.ok(calls.includes('+later'), 'nothing starts in the place of what was stopped');
});

test('a component is replaced in its place; one that does not exist is refused', async () => {
  const calls: string[] = [];
  const { supervisor } = supervise([part('a', calls), part('b', calls)]);
  await supervisor.start();
  await supervisor.replace(part('a', calls, { start: async () => void calls.push('+a2') }));
  await supervisor.stop();
  assert.equal(calls, ['+a', '+b', '-a', '+a2', '-b', '-a']);
  await supervisor.replace(part('c', calls)).then(
    () => assert.unreachable(),
    (error) => assert.is(error.code, 'no-such-component'),
  );
});

test('a retry under way when the stop comes is waited for, so that nothing runs on', async () => {
  const calls: string[] = [];
  let attempts = 0;
  let finish = () => {};
  const slow = part('slow', calls, {
    start: () => {
      attempts += 1;
      if (attempts === 1) return Promise.reject(new RangeError('not yet'));
      return new Promise((resolve) => {
        finish = () => {
          calls.push('+slow');
          resolve();
        };
      });
    },
  });
  const { supervisor } = supervise([slow], millis(20_000));
  await supervisor.start();
  while (attempts < 2) await new Promise((resolve) => setTimeout(resolve, 20));
  const stopped = supervisor.stop();
  await new Promise((resolve) => setImmediate(resolve));
  finish();
  assert.equal(await stopped, []);
  assert.equal(calls, ['+slow', '-slow']);
});

test('what was replaced before its retry is not started again', async () => {
  let attempts = 0;
  const failing = part('bus', [], {
    start: async () => {
      attempts += 1;
      throw new RangeError('no such port');
    },
  });
  const { supervisor } = supervise([failing]);
  await supervisor.start();
  await supervisor.replace(part('bus', []));
  // The first retry would come after 1 to 1.25 s.
  await new Promise((resolve) => setTimeout(resolve, 1500));
  assert.is(attempts, 1);
  await supervisor.stop();
});

test('a health check that throws is itself a failure', async () => {
  const { supervisor } = supervise([
    part('a', [], {
      health: () => {
        throw new RangeError('oops');
      },
    }),
  ]);
  assert.match(supervisor.components().a!.detail, /health check threw: oops/);
});

const at = (state: Health['state'], parts?: Record<string, Health>): Health => ({
  state,
  detail: state,
  ...(parts ? { parts } : {}),
});

test('only changes are reported, parts on their own', () => {
  const watch = new HealthWatch();
  assert.equal(watch.update({ plc: at('starting', { 'unit-1': at('ok') }) }), []);
  assert.equal(watch.update({ plc: at('ok', { 'unit-1': at('failed') }) }), [
    { component: 'plc', part: 'unit-1', previous: 'ok', state: 'failed', detail: 'failed' },
  ]);
  assert.equal(watch.update({ plc: at('ok', { 'unit-1': at('failed') }) }), []);
  assert.equal(
    watch.update({ plc: at('ok', { 'unit-1': at('ok') }) }).map(({ previous, state }) => [previous, state]),
    [['failed', 'ok']],
  );
});

test('the node is as good as its worst part, and one failed part only degrades it', () => {
  assert.is(worstOf({ a: at('ok'), b: at('starting') }).state, 'starting');
  assert.is(worstOf({ a: at('failed'), b: at('degraded') }).state, 'degraded');
  assert.is(worstOf({ a: at('ok') }).state, 'ok');
});

test('retries back off to a minute, with jitter', () => {
  assert.is(
    retryDelay(0, () => 0),
    1000,
  );
  assert.is(
    retryDelay(3, () => 0),
    8000,
  );
  assert.is(
    retryDelay(500, () => 0),
    60_000,
  );
  assert.is(
    retryDelay(500, () => 1),
    75_000,
  );
});

test.run();

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DeviceError } from '../../../runtime/core/errors.ts';
import { millis } from '../../../runtime/core/units.ts';
import { Keeper } from '../../../runtime/sources/port/reconnect.ts';
import { until } from '../modbus/device.ts';

/** A keeper over connections that fail as long as `failing` says. */
function rig() {
  const state = {
    failing: 0,
    opened: 0,
    closed: 0,
    downs: [] as { code: string; pause: number }[],
    lose: (_cause: DeviceError) => {},
  };
  const keeper = new Keeper<{ close(): Promise<void> }>({
    open: async (lost) => {
      if (state.failing > 0) {
        state.failing -= 1;
        throw new DeviceError('nobody-home', 'no answer');
      }
      state.opened += 1;
      state.lose = lost;
      return {
        close: async () => {
          state.closed += 1;
        },
      };
    },
    onUp: () => {},
    onDown: ({ code }, pause) => state.downs.push({ code, pause }),
    firstPause: millis(1),
    maxPause: millis(4),
  });
  return { keeper, state };
}

test('the pauses double up to their bound, and the first attempt ends the start', async () => {
  const { keeper, state } = rig();
  state.failing = 5;
  await keeper.start();
  assert.is(keeper.current, undefined);
  await until(() => keeper.current !== undefined);
  assert.equal(
    state.downs.map(({ pause }) => pause),
    [1, 2, 4, 4, 4],
  );
  await keeper.stop();
  assert.is(state.closed, 1);
});

test('a lost connection is opened again, a renewed one at once, a stopped one never', async () => {
  const { keeper, state } = rig();
  await keeper.start();
  const first = keeper.current;
  keeper.confirm();
  state.lose(new DeviceError('cut', 'cut'));
  assert.is(keeper.current, undefined);
  await until(() => keeper.current !== undefined);
  assert.is.not(keeper.current, first);
  keeper.renew(new DeviceError('stale', 'stale'));
  await until(() => state.opened === 3);
  assert.equal(
    state.downs.map(({ code, pause }) => [code, pause]),
    [
      ['cut', 1],
      ['stale', 0],
    ],
  );
  await keeper.stop();
  await keeper.stop();
  state.lose(new DeviceError('cut', 'cut'));
  assert.equal([state.opened, state.closed, state.downs.length], [3, 3, 2]);
});

test('a connection that opens and serves nothing does not start the pauses anew', async () => {
  const { keeper, state } = rig();
  await keeper.start();
  for (let i = 1; i <= 4; i++) {
    state.lose(new DeviceError('cut', 'cut'));
    await until(() => state.opened === i + 1);
  }
  assert.equal(
    state.downs.map(({ pause }) => pause),
    [1, 2, 4, 4],
  );
  keeper.confirm();
  state.lose(new DeviceError('cut', 'cut'));
  assert.is(state.downs.at(-1)?.pause, 1);
  await keeper.stop();
});

test('a connection that breaks while it opens is not taken for a good one', async () => {
  let opens = 0;
  const keeper = new Keeper({
    open: async (lost) => {
      opens += 1;
      if (opens === 1) lost(new DeviceError('early', 'broke at once'));
      return { close: async () => {} };
    },
    onUp: () => {},
    onDown: () => {},
    firstPause: millis(1),
    maxPause: millis(1),
  });
  await keeper.start();
  assert.is(keeper.current, undefined);
  await until(() => keeper.current !== undefined);
  assert.is(opens, 2);
  await keeper.stop();
});

test.run();

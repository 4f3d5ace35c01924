import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { modbusSource } from '../../runtime/config/schema/modbus.ts';
import { InputError } from '../../runtime/core/errors.ts';
import { millis } from '../../runtime/core/units.ts';
import { replaySourcesConfig } from '../../simulator/modbus/sources-config.ts';
import { type ReplayServerOptions, startReplayServer } from '../../simulator/replay-server.ts';
import { sharedPath } from '../support/shared.ts';
import { waitFor } from '../support/wait.ts';
import { close, connect, readTag } from './modbus-client.ts';

const folder = mkdtempSync(join(tmpdir(), 'vigie-replay-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));

function recording(text: string): string {
  const file = join(folder, 'r.csv');
  writeFileSync(file, text);
  return file;
}

/** Time that passes only when a wait is let go. */
function manualTime() {
  let now = 0;
  const waits: number[] = [];
  let release: (() => void) | undefined;
  return {
    waits,
    clock: { mono: () => millis(now) },
    wait: (ms: number, signal: AbortSignal) =>
      new Promise<void>((resolve) => {
        waits.push(ms);
        release = () => {
          now += ms;
          release = undefined;
          resolve();
        };
        signal.addEventListener('abort', () => resolve());
      }),
    /** Lets the wait under way end; resolves when the next one or the end is reached. */
    next: async (finished: Promise<void>) => {
      await waitFor('a wait', () => release !== undefined);
      const seen = waits.length;
      let ended = false;
      finished.then(() => {
        ended = true;
      });
      release?.();
      await waitFor('the next wait', () => ended || waits.length > seen);
    },
  };
}

async function start(options: ReplayServerOptions) {
  const server = await startReplayServer(options);
  const client = await connect(server.port);
  const names = server.header.columns.map(({ name }) => name);
  const [source] = replaySourcesConfig({ port: server.port, columns: names });
  const { tags } = modbusSource.parse(source).units[0]!;
  return {
    server,
    tags,
    read: () => Promise.all(tags.map((tag) => readTag(client, 1, tag))),
    stop: async () => {
      await close(client);
      await server.stop();
    },
  };
}

const ROWS = 'time,a,b\n10,1,-1\n12,2,-2\n12,3,\n15,4,-4\n';

test('rows come at the times of the recording; the first one at once', async () => {
  const time = manualTime();
  const { server, read, stop } = await start({ file: recording(ROWS), ...time });
  assert.equal(await read(), [1, -1]);
  await time.next(server.finished);
  assert.equal(await read(), [3, Number.NaN], 'two rows of the same time');
  await time.next(server.finished);
  assert.equal(await read(), [4, -4]);
  await server.finished;
  assert.equal(time.waits, [2000, 3000]);
  assert.equal(server.progress(), { line: 5, rows: 4 });
  await stop();
});

test('speed shortens the waits', async () => {
  const time = manualTime();
  const { server, stop } = await start({ file: recording(ROWS), speed: 10, ...time });
  await time.next(server.finished);
  await time.next(server.finished);
  await server.finished;
  assert.equal(time.waits, [200, 300]);
  await stop();
});

test('a loop starts again after the last row had its time', async () => {
  const time = manualTime();
  const { server, read, stop } = await start({ file: recording(ROWS), loop: true, ...time });
  for (let i = 0; i < 3; i++) await time.next(server.finished);
  assert.equal(await read(), [1, -1]);
  assert.equal(time.waits, [2000, 3000, 3000, 2000]);
  await stop();
  await server.finished;
});

test('a late player catches up and does not shift what follows', async () => {
  const time = manualTime();
  let extra = 0;
  const clock = { mono: () => millis(time.clock.mono() + extra) };
  const { server, stop } = await start({ file: recording(ROWS), ...time, clock });
  extra = 500;
  await time.next(server.finished);
  await time.next(server.finished);
  await server.finished;
  assert.equal(time.waits, [2000, 2500]);
  await stop();
});

test('stop ends a wait', async () => {
  const { server, stop } = await start({ file: recording('time,a\n0,1\n1000000,2\n') });
  await stop();
  await server.finished;
  assert.is(server.progress().rows, 1);
});

test('a row that breaks the form ends the replay with its position', async () => {
  const file = recording('time,a\n0,1\n0,x\n');
  const error = await startReplayServer({ file }).then(
    (server) => server.finished.catch((e) => e).finally(() => server.stop()),
    (e) => e,
  );
  assert.instance(error, InputError);
  assert.match(error.message, 'r.csv:3:3: ');
});

test('column names become valid and unique tag names', () => {
  const columns = [
    'Volume Flow RateRMS',
    'pH (in)',
    '°C',
    'a b',
    'a-b',
    'a_b',
    'x'.repeat(80),
    'x'.repeat(90),
  ];
  const [source] = replaySourcesConfig({ columns });
  const names = modbusSource.parse(source).units[0]!.tags.map(({ name }) => name);
  assert.is(new Set(names).size, columns.length);
  assert.is(names[0], 'Volume-Flow-RateRMS');
});

test('a recording of the pump bench is read through Modbus', async () => {
  const file = sharedPath('data/skab/data/valve1/0.csv');
  if (!file) return;
  const { server, read, stop } = await start({ file, skip: ['anomaly', 'changepoint'] });
  const values = await read();
  assert.is(values.length, 8);
  assert.ok(values.every((value) => Number.isFinite(value)));
  assert.ok(server.progress().rows >= 1);
  await stop();
});

test.run();

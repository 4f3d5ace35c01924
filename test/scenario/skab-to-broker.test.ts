/** A real recording of a pump test bench, served as Modbus registers, leads to an anomaly event on the broker. */

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { stringify } from 'yaml';
import { packageRoot } from '../../runtime/core/paths.ts';
import { replaySourcesConfig } from '../../simulator/modbus/sources-config.ts';
import { startReplayServer } from '../../simulator/replay-server.ts';
import { freePort, startMosquitto } from '../support/mosquitto.ts';
import { sharedPath } from '../support/shared.ts';
import { subscribe } from '../support/subscriber.ts';
import { waitFor } from '../support/wait.ts';

const SPEED = 15;
/** In the recording a valve is closed at row 579; the rows before are normal, the first 400 teach the node. */
const FIRST_LABELLED_ROW = 579;
const LABELLED_ROWS = 400;
const file = sharedPath('data/skab/data/valve1/7.csv');

/** The latest message of an episode that has begun and not ended. */
// biome-ignore lint/suspicious/noExplicitAny: foreign JSON, checked against the contract elsewhere.
function openEpisode(events: any[]): any {
  return events.findLast(
    ({ id, phase }) => phase !== 'end' && !events.some((other) => other.id === id && other.phase === 'end'),
  );
}

if (file) {
  test('closing the valve is reported while it is closed, in a plant that was calm before', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'vigie-'));
    const broker = await startMosquitto();
    const subscriber = await subscribe(broker.url);
    const replay = await startReplayServer({ file, speed: SPEED, skip: ['anomaly', 'changepoint'] });
    const columns = replay.header.columns.map(({ name }) => name);
    const sources = replaySourcesConfig({ port: replay.port, columns, period: '67ms' });
    // biome-ignore lint/suspicious/noExplicitAny: the plain configuration object, as YAML would hold it.
    const tags = (sources as any)[0].units[0].tags.map(({ name }: { name: string }) => name);
    const config = {
      node: { site: 'bench', name: 'pump' },
      sources,
      anomaly: { baseline: { learn: '25s' }, alarm: { delayOn: '250ms', delayOff: '1s', minDuration: '1s' } },
      mqtt: { url: broker.url },
      http: { port: await freePort() },
    };
    const path = join(directory, 'vigie.yaml');
    writeFileSync(path, stringify(config));
    const node = spawn(join(packageRoot, 'bin/vigie'), ['run', '--config', path, '--data-dir', directory], {
      stdio: 'ignore',
    });
    const exited = new Promise((resolve) => node.once('exit', resolve));
    try {
      const events = () => subscriber.of('events/anomaly').map(({ body }) => body);
      const until = (row: number) => waitFor(`row ${row}`, () => replay.progress().rows >= row, 90_000);
      await until(FIRST_LABELLED_ROW - 20);
      const before = events().filter(({ phase }) => phase === 'start').length;
      assert.ok(before <= 1, `${before} alarms while all was well`);
      await until(FIRST_LABELLED_ROW);
      const during = await waitFor('an event while the valve is closed', () => openEpisode(events()));
      assert.ok(replay.progress().rows < FIRST_LABELLED_ROW + LABELLED_ROWS);
      assert.is(during.group, 'recording');
      const [top] = during.contributions;
      assert.ok(tags.includes(top.tag), top.tag);
      assert.ok(during.summary.includes(top.tag), during.summary);
    } finally {
      node.kill('SIGTERM');
      await exited;
      await replay.stop();
      await subscriber.stop();
      await broker.stop();
      rmSync(directory, { recursive: true, force: true });
    }
  });
}

test.run();

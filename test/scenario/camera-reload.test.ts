/** Zones that change while somebody is tracked, by SIGHUP and on the page: no restart, no other process, the same track. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ZonesInFile, ZonesWritten } from '../../runtime/core/zone-store.ts';
import { gateNode, square } from '../support/camera-node.ts';
import { canCapture, filmLamp, lampModel } from '../support/cameras.ts';
import { freePort } from '../support/mosquitto.ts';
import { getJson, killNodes, nodeFolder, runNode } from '../support/node.ts';

const work = mkdtempSync(join(tmpdir(), 'vigie-reload-'));
test.after(() => {
  killNodes();
  rmSync(work, { recursive: true });
});

/** The lamp's middle is at 0.375, 0.375. */
const HERE = square(0.2, 0.6);
const ELSEWHERE = square(0.7, 0.9);

if (canCapture()) {
  test('zones change under a track that lives on', async () => {
    const film = join(work, 'film');
    await filmLamp(film);
    const manifest = await lampModel(work);
    const port = await freePort();
    const zone = (name: string, polygon: number[][]) => ({ name, polygon, anchor: 'center' });
    const config = (zones: object[]) =>
      gateNode(port, { film, model: { manifest }, detection: { zones, events: { exitDelay: '200ms' } } });
    const folder = nodeFolder(config([zone('yard', HERE)]));
    const node = runNode(folder);
    const post = async (body: object) => {
      const answer = await fetch(`http://127.0.0.1:${port}/api/cameras/gate/zones`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', 'X-Vigie-Command': '1' },
        body: JSON.stringify(body),
      });
      return (await answer.json()) as ZonesWritten;
    };
    const zones = () => getJson(port, '/api/cameras/gate/zones') as Promise<ZonesInFile>;
    try {
      const { pid } = await node.logged('vision.process.started');
      await node.logged('detection.intrusion.start');

      // By hand: the zone moves away, another comes.
      folder.configure(config([zone('yard', ELSEWHERE), zone('door', HERE)]));
      node.signal('SIGHUP');
      const done = await node.logged('config.reload.done');
      assert.equal([done.cameras, done.sources], [['gate'], []]);
      const isOf = (name: string) => (line: { message: string }) => line.message.includes(`'${name}'`);
      await node.logged('detection.intrusion.end', isOf('yard'));
      await node.logged('detection.intrusion.start', isOf('door'));

      // On the page.
      const now = await zones();
      const wanted = now.zones.map((one) => ({ ...one, polygon: one.name === 'yard' ? HERE : one.polygon }));
      const from = node.lines.length;
      const saved = await post({ revision: now.revision, zones: wanted, tripwires: [] });
      assert.is('takesEffect' in saved && saved.takesEffect, 'now', JSON.stringify(saved));
      await node.logged('detection.intrusion.start', isOf('yard'), from);

      // A change that the camera cannot take while it runs is named, here and in the status.
      writeFileSync(folder.configFile, readFileSync(folder.configFile, 'utf8').replace('fps: 20', 'fps: 10'));
      const again = await zones();
      const late = await post({ revision: again.revision, zones: wanted.slice(0, 1), tripwires: [] });
      assert.ok('takesEffect' in late && late.takesEffect === 'at-restart');
      assert.ok('needsRestart' in late && late.needsRestart?.includes('cameras.gate.fps'));
      const status = await getJson(port, '/api/status');
      assert.equal(status.config.needsRestart, late.needsRestart);

      const starts = node.lines.filter(({ event }) => event === 'vision.process.started');
      assert.equal(
        starts.map((line) => line.pid),
        [pid],
        'one process all along',
      );
      const list = await getJson(port, '/api/cameras');
      assert.is(list.cameras[0].events, 2, 'door and yard are open');
      assert.equal((await node.stop()).late, []);
    } finally {
      node.signal('SIGKILL');
      await node.exit;
      folder.remove();
    }
  });
}

test.run();

/** The live view of a real camera process, and zones that are drawn on the page: into the node's file, and in use after a restart. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { decodePicture } from '../../runtime/addon/vision.ts';
import type { ZonesInFile } from '../../runtime/core/zone-store.ts';
import { canCapture, lampModel } from '../support/cameras.ts';
import { freePort } from '../support/mosquitto.ts';
import { killNodes, nodeFolder, runNode } from '../support/node.ts';

const work = mkdtempSync(join(tmpdir(), 'vigie-live-'));
test.after(() => {
  killNodes();
  rmSync(work, { recursive: true });
});

/** Pictures of the stream, until there are enough. */
async function pictures(url: string, count: number): Promise<number[]> {
  const abort = new AbortController();
  const limit = setTimeout(() => abort.abort(), 15_000);
  const response = await fetch(url, { signal: abort.signal });
  let text = '';
  for await (const piece of response.body!) {
    text += Buffer.from(piece).toString('latin1');
    if (text.split('X-Sequence').length > count) break;
  }
  clearTimeout(limit);
  abort.abort();
  return [...text.matchAll(/X-Sequence: (\d+)/g)].map(([, sequence]) => Number(sequence));
}

async function picture(url: string): Promise<{ width: number; height: number }> {
  const response = await fetch(url);
  assert.is(response.status, 200);
  return decodePicture(new Uint8Array(await response.arrayBuffer()));
}

const DOOR = {
  name: 'door',
  mode: 'include',
  polygon: [
    [0.2, 0.2],
    [0.8, 0.2],
    [0.5, 0.9],
  ],
};

if (canCapture()) {
  test('pictures come live, zones go into the file, and the next start has them', async () => {
    const manifest = await lampModel(work);
    const port = await freePort();
    const base = `http://127.0.0.1:${port}`;
    const folder = nodeFolder(`# The gate of plant 7.
node: { site: s, name: n }
http: { port: ${port}, cameras: { fps: 20, size: 320 } }
cameras:
  - name: gate # looks east
    source: { type: test, pattern: ball }
    resolution: { width: 640, height: 480 }
    model: { manifest: ${manifest} }
    detection:
      labels: [lamp] # the only class
      motion: { enabled: false }
`);
    const node = runNode(folder);
    try {
      await node.logged('dashboard.listen.ok');
      const sequences = await pictures(`${base}/cameras/gate/stream.mjpg`, 6);
      assert.equal(
        sequences,
        [...new Set(sequences)].sort((a, b) => a - b),
        'each once, in order',
      );
      const { width, height } = await picture(`${base}/cameras/gate/snapshot.jpg?plain`);
      assert.equal([width, height], [320, 240]);
      const zones = `${base}/api/cameras/gate/zones`;
      const { revision, readOnly } = (await (await fetch(zones)).json()) as ZonesInFile;
      assert.is(readOnly, undefined);
      const post = (body: object) =>
        fetch(zones, {
          method: 'POST',
          headers: { 'Content-Type': 'application/json', 'X-Vigie-Command': '1' },
          body: JSON.stringify(body),
        });
      const refused = await post({ revision, zones: [DOOR, DOOR], tripwires: [] });
      assert.is(refused.status, 422);
      assert.match(await refused.text(), /'door' appears twice/);
      const saved = await post({ revision, zones: [DOOR], tripwires: [] });
      assert.is(saved.status, 200, await saved.clone().text());
      assert.match(await saved.text(), /"takesEffect":"now"/);
      const written = readFileSync(folder.configFile, 'utf8');
      for (const kept of ['# The gate of plant 7.', '# looks east', '# the only class']) {
        assert.ok(written.includes(kept), written);
      }
      assert.equal((await node.stop()).late, []);
    } finally {
      node.signal('SIGKILL');
      await node.exit;
    }
    const again = runNode(folder);
    try {
      await again.logged('dashboard.listen.ok');
      const found = (await (await fetch(`${base}/api/cameras/gate/zones`)).json()) as ZonesInFile;
      assert.equal(
        found.zones.map(({ was, ...zone }) => zone),
        [DOOR],
      );
      await pictures(`${base}/cameras/gate/stream.mjpg`, 1);
      assert.equal((await again.stop()).late, []);
    } finally {
      again.signal('SIGKILL');
      await again.exit;
      folder.remove();
    }
  });
}

test.run();

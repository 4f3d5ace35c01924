/** A camera in, one event per intruder out, over a real broker; and a vision process that is killed meanwhile. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { validatePayload } from '../contract/asyncapi.ts';
import { gateNode, square } from '../support/camera-node.ts';
import { canCapture, filmLamp, lampModel } from '../support/cameras.ts';
import { freePort, startMosquitto } from '../support/mosquitto.ts';
import { killNodes, nodeFolder, runNode } from '../support/node.ts';
import { subscribe } from '../support/subscriber.ts';
import { waitFor } from '../support/wait.ts';

const work = mkdtempSync(join(tmpdir(), 'vigie-camera-'));
test.after(() => {
  killNodes();
  rmSync(work, { recursive: true });
});

if (canCapture()) {
  test('an intruder makes one event; a killed vision process is healed and told', async () => {
    const film = join(work, 'film');
    await filmLamp(film);
    const manifest = await lampModel(work);
    const broker = await startMosquitto();
    const ears = await subscribe(broker.url);
    const port = await freePort();
    const yard = { name: 'yard', polygon: square(0, 1), anchor: 'center' };
    const gate = { film, model: { manifest }, detection: { zones: [yard] } };
    const folder = nodeFolder(gateNode(port, gate, broker.url));
    const node = runNode(folder);
    try {
      const [start] = await waitFor('an intrusion', () => {
        const events = ears.of('events/detection');
        return events.length > 0 && events;
      });
      assert.equal(validatePayload('detection', start!.body), []);
      assert.equal([start!.body.phase, start!.body.zone, start!.body.label], ['start', 'yard', 'lamp']);
      assert.is(start!.body.model.name, 'lamp');
      const snapshot = await fetch(`http://127.0.0.1:${port}/cameras/gate/snapshot.jpg`);
      assert.equal([snapshot.status, snapshot.headers.get('content-type')], [200, 'image/jpeg']);
      const kept = await waitFor('its picture', async () => {
        const picture = await fetch(`http://127.0.0.1:${port}/cameras/gate/snapshots/${start!.body.id}.jpg`);
        return picture.status === 200 && new Uint8Array(await picture.arrayBuffer());
      });
      assert.equal([...kept.subarray(0, 2)], [0xff, 0xd8]);
      const { pid } = await node.logged('vision.process.started');
      process.kill(pid, 'SIGKILL');
      const [told] = await waitFor('the event of the camera', () => {
        const events = ears.of('events/camera');
        return events.length > 0 && events;
      });
      assert.equal(validatePayload('camera', told!.body), []);
      assert.equal([told!.body.step, told!.body.reason], ['restart-process', 'process-exited']);
      await node.logged('vision.process.started', (line) => line.pid !== pid);
      await waitFor('the recovery', () =>
        ears.of('events/camera').some(({ body }) => body.step === 'recovered'),
      );
      const starts = ears.of('events/detection').filter(({ body }) => body.phase === 'start');
      assert.is(starts.length, 1, 'the track lived on');
      assert.equal((await node.stop()).late, []);
      const ends = () => ears.of('events/detection').filter(({ body }) => body.phase === 'end');
      assert.ok(ends().length <= 1);
    } finally {
      node.signal('SIGKILL');
      await node.exit;
      await ears.stop();
      await broker.stop();
      folder.remove();
    }
  });
}

test.run();

/** The broker is away during an intrusion: event and picture come later, in order, and the picture lies on the disk once. */

import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { validateMessage } from '../contract/asyncapi.ts';
import { gateNode } from '../support/camera-node.ts';
import { canCapture, filmLamp, lampModel } from '../support/cameras.ts';
import { freePort, startMosquitto } from '../support/mosquitto.ts';
import { getMetric, killNodes, nodeFolder, runNode } from '../support/node.ts';
import { PERSISTENT, type ReceivedMessage, subscribe } from '../support/subscriber.ts';
import { waitFor } from '../support/wait.ts';

const work = mkdtempSync(join(tmpdir(), 'vigie-broker-down-'));
test.after(() => {
  killNodes();
  rmSync(work, { recursive: true });
});

const isPicture = ({ topic }: ReceivedMessage) => topic.includes('/snapshots/');

if (canCapture()) {
  test('an intrusion while the broker is away is told later: events first, then the picture', async () => {
    const film = join(work, 'film');
    await filmLamp(film);
    const manifest = await lampModel(work);
    const broker = await startMosquitto({ persistent: true });
    const ears = await subscribe(broker.url, 'vigie/#', PERSISTENT);
    await broker.halt(true);
    const port = await freePort();
    const gate = { film, model: { manifest }, more: { snapshots: { mqtt: true } } };
    const folder = nodeFolder(gateNode(port, gate, broker.url));
    const node = runNode(folder);
    try {
      const { id } = await node.logged('detection.intrusion.start');
      await waitFor(
        'the picture in the queue',
        async () => ((await getMetric(port, 'vigie_outbox_records', { class: 'picture' })) ?? 0) > 0,
      );
      await broker.resume();
      const picture = await waitFor('the picture', () => ears.messages.find(isPicture));
      const records = ears.messages.filter((message) => isPicture(message) || message.body?.seq);
      const [event] = ears.of('events/detection');
      assert.equal([event!.body.id, event!.body.phase], [id, 'start']);
      assert.ok(records.indexOf(event!) < records.indexOf(picture), 'the event comes first');
      assert.is(picture.topic, `vigie/s/n/snapshots/gate/${id}`);
      assert.equal(validateMessage(picture.topic, picture.bytes, picture.properties), []);
      const { seq, sha256, event: of, bootId } = picture.properties;
      assert.is(sha256, createHash('sha256').update(picture.bytes).digest('hex'));
      assert.equal([of, bootId], [id, event!.body.bootId]);
      assert.ok(Number(seq) > event!.body.seq);
      const file = readFileSync(join(folder.dataDir, 'snapshots/gate', `${id}.jpg`));
      assert.ok(file.equals(picture.bytes));
      assert.ok(picture.bytes.length <= 256 * 1024);
      const holding = readdirSync(folder.dataDir, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .filter(({ parentPath, name }) => readFileSync(join(parentPath, name)).includes(file))
        .map(({ name }) => name);
      assert.equal(holding, [`${id}.jpg`], 'its bytes lie on the disk once');
      await waitFor(
        'an empty queue',
        async () => (await getMetric(port, 'vigie_outbox_records', { class: 'picture' })) === 0,
      );
      assert.equal((await node.stop()).late, []);
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

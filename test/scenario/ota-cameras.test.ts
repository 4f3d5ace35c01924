/** Detection models as signed bundles: a hub, a broker, a node whose camera takes release after release while a track goes on. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { askNode } from '../../runtime/cli/ask-node.ts';
import type { StatusAnswer } from '../../runtime/cli/ota/node/answers.ts';
import { canCapture, filmLamp, lampOnnx, writeLamp } from '../support/cameras.ts';
import { Fleet, type ReleaseParts } from '../support/fleet.ts';
import { freePort, startMosquitto } from '../support/mosquitto.ts';
import { getJson, killNodes, nodeFolder, runNode } from '../support/node.ts';
import { subscribe } from '../support/subscriber.ts';
import { waitFor } from '../support/wait.ts';

const work = mkdtempSync(join(tmpdir(), 'vigie-ota-camera-'));
const fleet = new Fleet();
test.after(async () => {
  killNodes();
  await fleet.remove();
  rmSync(work, { recursive: true });
});

/** @returns the digest of its plan, as events name it. */
async function release(number: number, model: Uint8Array, more: Partial<ReleaseParts> = {}): Promise<string> {
  const folder = mkdtempSync(join(work, 'release-'));
  const manifest = await writeLamp(folder, { version: `1.0.${number}`, models: { float32: model } });
  await fleet.add({ name: 'lamp', release: number, folder, ...more });
  await fleet.assign([{ name: 'lamp', release: number }]);
  return `sha256:${(manifest.artifacts as { sha256: string }[])[0]!.sha256}`;
}

/** What a lamp model of this bias makes of black. */
function golden(bias: number) {
  const y = new Float32Array(96);
  y.fill(bias, 0, 16).fill(1, 80);
  return {
    inputs: { x: { type: 'float32', shape: [1, 3, 32, 32], data: new Float32Array(3072) } },
    outputs: { y: { type: 'float32', shape: [1, 6, 4, 4], data: y } },
  } as const;
}

if (canCapture()) {
  test('releases come, go on during one track, are refused and rolled back, and the camera never stops', async () => {
    const film = join(work, 'film');
    await filmLamp(film);
    const broker = await startMosquitto();
    const ears = await subscribe(broker.url, 'vigie/plant/n/events/+');
    const port = await freePort();
    const folder = nodeFolder({
      node: { site: 'plant', name: 'n' },
      mqtt: { url: broker.url, reconnect: { min: '100ms', max: '300ms' } },
      http: { port },
      ota: { root: fleet.rootFile, jitter: '0ms' },
      cameras: [
        {
          name: 'gate',
          source: { type: 'file', file: film },
          fps: 30,
          model: { bundle: 'lamp' },
          detection: {
            labels: ['lamp'],
            motion: { enabled: false },
            tracker: { lostFor: '60s' },
            events: { update: '1s' },
            rate: { adapt: false },
          },
        },
      ],
    });
    const node = runNode(folder);
    const model = async () => {
      const answer = (await askNode(folder.dataDir, 'ota-status').catch(() => undefined)) as unknown;
      return (answer as StatusAnswer | undefined)?.models.find(({ name }) => name === 'lamp');
    };
    const until = (what: string, right: (found: NonNullable<Awaited<ReturnType<typeof model>>>) => boolean) =>
      waitFor(what, async () => {
        const found = await model();
        return found && right(found) ? found : undefined;
      });
    const serves = (number: number) =>
      until(
        `release ${number}`,
        ({ active, serving }) => active?.release === number && serving?.release === number,
      );
    const events = () => ears.of('events/detection').map(({ body }) => body);
    const told = (version: string) =>
      waitFor(`an event of ${version}`, () => events().findLast((body) => body.model.version === version));
    try {
      await fleet.serve(broker.url);
      const { pid } = await node.logged('vision.process.started');
      const health = async () =>
        (await getJson(port, '/api/status').catch(() => undefined))?.components['vision-gate'];
      const blind = await waitFor('frames', async () => {
        const now = await health();
        return now?.state === 'degraded' ? now : undefined;
      });
      assert.match(blind.detail, "no release of the bundle 'lamp' serves yet");

      const first = await release(1, lampOnnx());
      await serves(1);
      await told('1.0.1');
      const [start] = events();
      assert.equal([start.phase, start.label, start.model.digest], ['start', 'lamp', first]);
      assert.is((await health()).state, 'ok');

      const second = await release(2, lampOnnx(-0.01), {
        cases: [golden(-0.01)],
        health: { minInferences: 60, maxOutputShift: 1 },
      });
      await serves(2);
      const update = await told('1.0.2');
      assert.equal([update.id, update.track, update.model.digest], [start.id, start.track, second]);

      await release(3, lampOnnx(-0.02), { cases: [golden(3)] });
      const { refused: wrong } = await until('the refusal', ({ refused }) => refused?.release === 3);
      assert.is(wrong!.code, 'selftest-failed');

      // Everything is right about it, but it finds nothing.
      await release(4, lampOnnx(-2), {
        health: { minInferences: 60, windowSeconds: 60, maxOutputShift: 0.5 },
      });
      const { refused } = await until('the rollback', ({ refused }) => refused?.release === 4);
      assert.equal([refused!.code, (await serves(2)).serving!.release], ['ota-unhealthy', 2]);
      assert.match(refused!.reason, 'its output lies 1.00 from that of the model before');
      await release(5, lampOnnx(-0.03), { health: { latencyP95Ms: 0.001 } });
      const { refused: slow } = await until('the rollback', ({ refused }) => refused?.release === 5);
      assert.match(slow!.reason, 'P95 of latency');
      await serves(2);

      const last = events().length;
      await waitFor('an event after the rollback', () => events().length > last);
      const [after] = events().slice(-1);
      assert.equal([after.id, after.model.digest, after.phase], [start.id, second, 'update']);
      assert.is(events().filter(({ phase }) => phase === 'start').length, 1);
      assert.equal(ears.of('events/camera'), [], 'nothing had to be healed');
      process.kill(pid, 0);
    } finally {
      await node.stop();
      await ears.stop();
      await fleet.stopHub();
      await broker.stop();
      folder.remove();
    }
  });
}

test.run();

/** A camera on the network that dies and returns. */

import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { camera, canCapture, startGroup } from '../../support/cameras.ts';
import { freePort } from '../../support/mosquitto.ts';
import { hasRtspServer, startRtspServer } from '../../support/rtsp.ts';
import { waitFor } from '../../support/wait.ts';

async function kill(server: ChildProcess): Promise<void> {
  server.kill('SIGKILL');
  if (server.exitCode === null && server.signalCode === null) await once(server, 'exit');
}

if (canCapture() && hasRtspServer()) {
  test('a server that dies is waited for and found again; the process lives on', async () => {
    const port = await freePort();
    let server = await startRtspServer(port);
    const { group, steps, stop } = await startGroup([
      camera({ source: { type: 'rtsp', url: `rtsp://127.0.0.1:${port}/gate` } }),
    ]);
    try {
      await waitFor('frames', () => group.health().state === 'ok');
      const { pid } = group;
      await kill(server);
      await waitFor('the fault', () => steps().includes('rebuild absent'));
      await waitFor('a second try', () => steps().filter((step) => step === 'rebuild absent').length > 1);
      server = await startRtspServer(port);
      await waitFor('the recovery', () => steps().includes('recovered healed'), 30_000);
      assert.is(group.health().state, 'ok');
      assert.is(group.pid, pid);
    } finally {
      await stop();
      await kill(server);
    }
  });

  test('a wrong password is refused by name, without telling it; the right one lets in', async () => {
    const port = await freePort();
    const server = await startRtspServer(port, ['me', 'the right "one"']);
    const source = {
      type: 'rtsp',
      url: `rtsp://127.0.0.1:${port}/gate`,
      user: 'me',
      passwordFile: '/password',
    };
    const wrong = await startGroup([camera({ source })], { readSecret: () => 'wrongPassword' });
    const right = await startGroup([camera({ source })], { readSecret: () => 'the right "one"' });
    try {
      await waitFor('the report', () => wrong.steps().includes('report refused'));
      assert.match(wrong.events[0]!.detail, 'device-refused');
      await waitFor('frames', () => right.group.health().state === 'ok');
      const said = JSON.stringify([wrong.events, wrong.spine.lines, right.spine.lines]);
      assert.not.match(said, /wrongPassword|the right/);
    } finally {
      await wrong.stop();
      await right.stop();
      await kill(server);
    }
  });
}

test.run();

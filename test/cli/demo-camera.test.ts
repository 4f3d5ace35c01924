/** `vigie demo --camera`: a recording in, an annotated picture and events out; and what it says when something is missing. */

import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseCamera } from '../../runtime/cli/demo/camera-source.ts';
import { canCapture, filmLamp, lampModel } from '../support/cameras.ts';
import { vigie, vigieProcess } from '../support/cli.ts';
import { freePort } from '../support/mosquitto.ts';
import { waitFor } from '../support/wait.ts';

const work = mkdtempSync(join(tmpdir(), 'vigie-demo-test-'));
const started: { kill(signal: NodeJS.Signals): unknown }[] = [];
test.after(() => {
  for (const child of started) child.kill('SIGKILL');
  rmSync(work, { recursive: true });
});

test("an address's user and password stand apart from it", () => {
  assert.equal(parseCamera('rtsp://guard:p%40ss@gate.local:8554/live?x=1'), {
    type: 'rtsp',
    url: 'rtsp://gate.local:8554/live?x=1',
    user: 'guard',
    password: 'p@ss',
  });
  assert.equal(parseCamera('rtsp://gate.local/live'), { type: 'rtsp', url: 'rtsp://gate.local/live' });
  assert.equal(parseCamera('/dev/null'), { type: 'usb', device: '/dev/null' });
  const file = join(work, 'a.gif');
  writeFileSync(file, '');
  assert.equal(parseCamera(file), { type: 'file', file });
  assert.throws(() => parseCamera('rtsp://'), /expected rtsp/);
  assert.throws(() => parseCamera('rtsp://bad host/'), /expected rtsp/);
});

test('a recording that is not there is named', async () => {
  const { code, stderr } = await vigie(['demo', '--camera', join(work, 'nothing.mp4')]);
  assert.is(code, 1);
  assert.match(stderr, /^vigie: --camera: there is no .*nothing\.mp4; name a recording/);
});

test('a model without a camera is a mistake', async () => {
  const { code, stderr } = await vigie(['demo', '--model', 'yolox-nano']);
  assert.is(code, 2);
  assert.match(stderr, '--model goes with --camera');
});

if (canCapture()) {
  test('without a model it says which command gets one', async () => {
    const { code, stderr } = await vigie(['demo', '--camera', work], { VIGIE_SHARED: work }, work);
    assert.is(code, 1);
    assert.match(stderr, '\n  vigie model fetch yolox-nano --out models\n');
  });

  test('a model that is not there is named as the file that it is not', async () => {
    const { code, stderr } = await vigie(['demo', '--camera', work, '--model', join(work, 'absent.onnx')]);
    assert.is(code, 1);
    assert.match(stderr, `${join(work, 'absent.onnx')}: there is no such file or folder`);
  });

  test('a camera that gives no frame, and a port that is taken, are said at once', async () => {
    await lampModel(work, 'person');
    const empty = mkdtempSync(join(work, 'empty-'));
    const port = await freePort();
    const args = ['demo', '--model', join(work, 'lamp-float32.onnx'), '--port', String(port)];
    const none = await vigie([...args, '--camera', empty]);
    assert.equal([none.code, none.stderr.split('\n').length], [1, 3], none.stderr);
    assert.match(none.stderr, `${empty} holds no JPEG or PNG pictures\n  name a video`);
    const away = await vigie([...args, '--camera', 'rtsp://u:geheim@127.0.0.1:1/live']);
    assert.match(away.stderr, /^vigie: --camera: unreachable: .*\n {2}check address, port/);
    assert.not.match(away.stderr + away.stdout, 'geheim');
    const server = createServer().listen(port, '127.0.0.1');
    await once(server, 'listening');
    const taken = await vigie([...args, '--camera', empty]);
    server.close();
    assert.match(taken.stderr, `port ${port} is taken, perhaps by another demo: choose one with --port`);
  });

  test('a recording and a model make a picture with boxes, and events on the broker', async () => {
    const film = join(work, 'film');
    await filmLamp(film);
    await lampModel(work, 'person');
    const port = await freePort();
    const model = join(work, 'lamp-float32.onnx');
    const child = vigieProcess(['demo', '--camera', film, '--model', model, '--port', String(port)]);
    started.push(child);
    let said = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: string) => {
        said += chunk;
      });
    }
    const exit = new Promise((resolve) => child.once('close', resolve));
    await waitFor('an event', () => said.includes("[start] person in zone 'picture'")).catch((error) => {
      throw new Error(`${error.message}; it said:\n${said}`);
    });
    const snapshot = await fetch(`http://127.0.0.1:${port}/cameras/camera/snapshot.jpg`);
    assert.equal([snapshot.status, snapshot.headers.get('content-type')], [200, 'image/jpeg']);
    assert.match(said, `http://127.0.0.1:${port}/cameras/camera\n`);
    child.kill('SIGINT');
    assert.is(await exit, 0, said);
  });
}

test.run();

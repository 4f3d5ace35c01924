/** `vigie model fetch`, as a person runs it: the list, a stick, and a download through a proxy. */

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import type { RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { loadManifest } from '../../../../ota/bundle/read-manifest.ts';
import { addPlan } from '../../../../runtime/cli/model/fetch/add-plan.ts';
import { fetchModel } from '../../../../runtime/cli/model/fetch/fetch-model.ts';
import { findModel, type IndexedModel, loadIndex } from '../../../../runtime/cli/model/fetch/model-index.ts';
import { withProxy } from '../../../../runtime/cli/model/fetch/proxy.ts';
import { loadSession } from '../../../../runtime/pipeline/inference/load-session.ts';
import { hangingLampOnnx, writeLamp } from '../../../support/cameras.ts';
import { vigie, vigieHere, vigieProcess } from '../../../support/cli.ts';
import { rejects } from '../../../support/rejects.ts';
import { sharedPath } from '../../../support/shared.ts';
import { tlsProxy } from '../../../support/tls-proxy.ts';
import { waitFor } from '../../../support/wait.ts';

const folder = mkdtempSync(join(tmpdir(), 'vigie-fetch-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));
let made = 0;
/** An empty folder of its own. */
function fresh(): string {
  const path = join(folder, String(++made));
  mkdirSync(path);
  return path;
}
const index = loadIndex();
const real = findModel(index, 'yunet-face');

/** A model of 1000 bytes, with the manifest of YOLOX-nano. */
const content = Buffer.alloc(1000, 'weights');
const tiny: IndexedModel = {
  ...findModel(index, 'yolox-nano'),
  bytes: content.length,
  sha256: createHash('sha256').update(content).digest('hex'),
};
const home = fresh();
const manifest = JSON.parse(readFileSync(join(index.folder, tiny.manifest), 'utf8'));
manifest.artifacts[0].sha256 = tiny.sha256;
writeFileSync(join(home, tiny.manifest), JSON.stringify(manifest));
copyFileSync(join(index.folder, 'coco-80.txt'), join(home, 'coco-80.txt'));
const bring = (options: Parameters<typeof fetchModel>[2]) => fetchModel({ folder: home }, tiny, options);

test('without a name: the list, as a table and as JSON', async () => {
  const { code, stdout } = await vigieHere(['model', 'fetch']);
  assert.is(code, 0);
  assert.match(stdout, /^name +detects +licence +size +use\nyolox-nano .* Apache-2\.0 +3\.7 MB/);
  for (const line of stdout.split('\n')) assert.ok(line.length <= 110, line);
  const json = await vigieHere(['model', 'fetch', '--json']);
  assert.equal(JSON.parse(json.stdout), index.models);
});

test('a plan beside the model, named in a manifest of which all else stays', async () => {
  const out = fresh();
  await writeLamp(out, { onnx: true });
  const path = join(out, 'manifest.json');
  const tuned = { ...JSON.parse(readFileSync(path, 'utf8')), thresholds: { score: 0.7, iou: 0.2 } };
  writeFileSync(path, JSON.stringify(tuned));
  const fetched = { file: join(out, 'lamp-float32.onnx'), manifest: { path, state: 'kept' } } as const;
  for (let round = 0; round < 2; round++) {
    assert.equal(await addPlan(fetched, true), { path: join(out, 'lamp-float32.xnn'), state: 'written' });
    const { artifacts, ...rest } = loadManifest(path).manifest;
    assert.equal(
      artifacts.map(({ backend, path }) => `${backend} ${path}`),
      ['xnnpack lamp-float32.xnn', 'onnxruntime lamp-float32.onnx'],
      'once, however often',
    );
    assert.equal((rest as { thresholds?: object }).thresholds, tuned.thresholds);
  }
  writeFileSync(fetched.file, hangingLampOnnx());
  const before = readFileSync(path);
  await rejects(addPlan(fetched, true), 'model-unsupported');
  assert.equal(readFileSync(path), before);
});

test('command lines that cannot be understood, and unknown names', async () => {
  const compile = ['yolox-nano', '--compile', 'tensorrt'];
  for (const args of [
    ['a', 'b'],
    ['--out', 'x'],
    ['--from', 'x'],
    ['--compile', 'xnnpack'],
    compile,
    ['--colour'],
  ])
    assert.is((await vigieHere(['model', 'fetch', ...args])).code, 2, args.join(' '));
  const { code, stderr } = await vigieHere(['model', 'fetch', 'yolox-nan']);
  assert.is(code, 1);
  assert.match(stderr, "did you mean 'yolox-nano'?");
});

test('from a stick: found by checksum whatever it is called; manifest and labels beside it', async () => {
  const [stick, out] = [fresh(), join(fresh(), 'new/folder')];
  mkdirSync(join(stick, 'a/b'), { recursive: true });
  writeFileSync(join(stick, tiny.file), Buffer.alloc(content.length, 'another'));
  writeFileSync(join(stick, 'a/b/renamed.bin'), content);
  const fetched = await bring({ from: stick, out });
  assert.equal(fetched, {
    file: join(out, 'yolox_nano.onnx'),
    state: 'copied',
    manifest: { path: join(out, 'yolox_nano.manifest.json'), state: 'written' },
    labels: { path: join(out, 'coco-80.txt'), state: 'written' },
  });
  assert.equal(readFileSync(fetched.file), content);
  const { artifacts } = JSON.parse(readFileSync(fetched.manifest.path, 'utf8'));
  assert.equal(
    artifacts.map(({ path }: { path: string }) => path),
    ['yolox_nano.onnx'],
  );
  assert.equal(readdirSync(out).sort(), ['coco-80.txt', 'yolox_nano.manifest.json', 'yolox_nano.onnx']);
});

test('there already and right: checked, left alone, thresholds that were tuned too', async () => {
  const out = fresh();
  writeFileSync(join(out, tiny.file), content);
  const first = await bring({ out });
  assert.equal([first.state, first.manifest.state, first.labels?.state], ['present', 'written', 'written']);
  writeFileSync(first.manifest.path, '{ "mine": true }');
  const second = await bring({ out });
  assert.equal([second.state, second.manifest.state, second.labels?.state], ['present', 'kept', 'present']);
  assert.is(readFileSync(first.manifest.path, 'utf8'), '{ "mine": true }');
});

test('another file by its name is not replaced', async () => {
  const [stick, out] = [fresh(), fresh()];
  writeFileSync(join(stick, tiny.file), content);
  for (const mine of [Buffer.from('mine'), Buffer.alloc(content.length, 'mine')]) {
    writeFileSync(join(out, tiny.file), mine);
    await rejects(bring({ from: stick, out }), 'model-exists');
    assert.equal(readFileSync(join(out, tiny.file)), mine);
    assert.equal(readdirSync(out), [tiny.file]);
  }
});

test('not on the stick: a file by its name is told; links are not followed; nothing is written', async () => {
  const [stick, outside, out] = [fresh(), fresh(), fresh()];
  writeFileSync(join(outside, 'right.onnx'), content);
  symlinkSync(outside, join(stick, 'linked'));
  symlinkSync(join(outside, 'right.onnx'), join(stick, 'right.onnx'));
  writeFileSync(join(stick, tiny.file), 'half a file');
  const error = await rejects(bring({ from: stick, out }), 'model-not-there');
  assert.match(error.message, `${join(stick, tiny.file)} is another file by that name`);
  assert.match(error.message, tiny.sha256);
  await rejects(bring({ from: join(stick, 'absent'), out }), 'model-not-there');
  assert.equal(readdirSync(out), []);
  const named = await bring({ from: join(outside, 'right.onnx'), out });
  assert.is(named.state, 'copied');
});

test('a folder that cannot be made, written to or read', async () => {
  const place = fresh();
  writeFileSync(join(place, 'file'), '');
  await rejects(bring({ from: home, out: join(place, 'file/below') }), 'model-write');
  // Root may do everything.
  if (process.getuid?.() === 0) return;
  const [stick, locked] = [fresh(), fresh()];
  writeFileSync(join(stick, 'right'), content);
  chmodSync(locked, 0o500);
  await rejects(bring({ from: stick, out: locked }), 'model-write');
  chmodSync(locked, 0);
  await rejects(bring({ from: locked, out: fresh() }), 'model-not-there');
  chmodSync(locked, 0o700);
});

test('stopped: nothing is left but the reason', async () => {
  const [stick, out] = [fresh(), fresh()];
  writeFileSync(join(stick, 'right'), content);
  const stop = new AbortController();
  const onBytes = () => stop.abort(new RangeError('enough'));
  const work = bring({ from: stick, out, signal: stop.signal, onSource: onBytes });
  assert.is(await work.catch((error: Error) => error.message), 'enough');
  assert.equal(readdirSync(out), []);
});

let answer: RequestListener = (_, response) => void response.writeHead(500).end();
const host = new URL(real.source).host;
const internet = await tlsProxy(fresh(), host, (request, response) => answer(request, response));
test.after(() => internet.close());
const fetchReal = (out: string, env: Readonly<Record<string, string>> = {}) =>
  vigie(['model', 'fetch', real.name, '--out', out], { ...internet.env, ...env });

test('a download of another file of the same length: refused by its checksum, after a redirect', async () => {
  const out = fresh();
  answer = (request, response) => {
    if (request.url === '/moved') response.end(Buffer.alloc(real.bytes));
    else response.writeHead(302, { location: '/moved' }).end();
  };
  const { code, stderr, stdout } = await fetchReal(out);
  assert.equal([code, stdout], [1, ''], stderr);
  assert.match(stderr, `${real.source}\nvigie: wrong checksum: SHA-256 `);
  assert.match(stderr, real.sha256);
  assert.equal(readdirSync(out), []);
  assert.ok(internet.asked.every((target) => target === `${host}:443`) && internet.asked.length > 0);
});

test('a proxy that refuses, and a certificate that nobody vouches for: each with its way out', async () => {
  internet.refuses = 407;
  const login = await fetchReal(fresh());
  internet.refuses = undefined;
  assert.is(login.code, 1);
  assert.match(login.stderr, /by the proxy of HTTPS_PROXY; it wants a log-in: HTTPS_PROXY=http:\/\/USER/);
  const untrusted = await fetchReal(fresh(), { NODE_EXTRA_CA_CERTS: '' });
  assert.is(untrusted.code, 1);
  assert.match(untrusted.stderr, /its certificate is not trusted; is the clock right\?/);
});

test('an address of a proxy that is none is told, its password is not; a stick needs no proxy', async () => {
  for (const HTTPS_PROXY of ['me:secret@proxy:8080', 'http://[bad', 'socks5://127.0.0.1:1', 'secret']) {
    const work = withProxy(() => assert.unreachable() as never, { HTTPS_PROXY });
    assert.not.match((await rejects(work, 'proxy-invalid')).message, 'secret');
    const { code, stderr } = await fetchReal(fresh(), { HTTPS_PROXY, https_proxy: '' });
    assert.equal([code, stderr.includes('    at ')], [1, false], stderr);
    const args = ['model', 'fetch', real.name, '--from', home, '--out', fresh(), '--json'];
    const local = await vigie(args, { ...internet.env, HTTPS_PROXY, https_proxy: '' });
    assert.is(JSON.parse(local.stdout).error.code, 'model-not-there');
  }
});

test('Ctrl-C in the middle of a download: it says so, and leaves nothing', async () => {
  const out = fresh();
  answer = (_, response) => void response.write(Buffer.alloc(real.bytes / 2));
  const child = vigieProcess(['model', 'fetch', real.name, '--out', out], internet.env);
  let stderr = '';
  child.stderr.on('data', (text: string) => {
    stderr += text;
  });
  const ended = once(child, 'close');
  await waitFor('the first bytes', () => readdirSync(out).some((name) => name.endsWith('.part')));
  child.kill('SIGINT');
  assert.equal([(await ended)[0], readdirSync(out)], [1, []]);
  assert.match(stderr, /vigie: stopped; nothing was kept\n$/);
});

const file = sharedPath('models/yunet-face/yunet_n_320_320.onnx');
if (file) {
  test('downloaded whole: model, manifest, and the two commands that come next', async () => {
    const out = fresh();
    answer = (request, response) => {
      assert.is(`https://${request.headers.host}${request.url}`, real.source);
      response.end(readFileSync(file));
    };
    const { code, stdout, stderr } = await fetchReal(out);
    assert.is(code, 0, stderr);
    assert.match(stdout, `${join(out, real.file)}: downloaded; Apache-2.0, trained on WIDER FACE\n`);
    assert.match(stdout, `  vigie model compile ${join(out, 'yunet_n_320_320.onnx')}\n`);
    assert.match(stdout, `  vigie model run ${join(out, 'yunet_n_320_320.xnn')} photo.jpg\n`);
    assert.ok(existsSync(join(out, 'yunet_n_320_320.manifest.json')));
    const again = await vigieHere(['model', 'fetch', real.name, '--out', out, '--json']);
    const { state, next, manifest } = JSON.parse(again.stdout);
    assert.equal([state, next.length, manifest.state, again.stderr], ['present', 2, 'present', '']);
  });

  test('with --compile xnnpack the manifest leads to a plan, and the node takes it', async () => {
    const out = fresh();
    const args = ['model', 'fetch', real.name, '--from', file, '--out', out];
    const { code, stdout, stderr } = await vigieHere([...args, '--compile', 'xnnpack']);
    assert.is(code, 0, stderr);
    const plan = join(out, 'yunet_n_320_320.xnn');
    assert.match(stdout, `${plan}: written\n`);
    assert.not.match(stdout, 'vigie model compile');
    const { manifest, folder } = loadManifest(join(out, 'yunet_n_320_320.manifest.json'));
    assert.equal(
      manifest.artifacts.map(({ backend, precision, path }) => [backend, precision, path]),
      [
        ['xnnpack', 'float32', 'yunet_n_320_320.xnn'],
        ['onnxruntime', 'float32', real.file],
      ],
    );
    assert.is(manifest.artifacts[0]!.sha256, createHash('sha256').update(readFileSync(plan)).digest('hex'));
    const session = await loadSession({ path: join(folder, manifest.artifacts[0]!.path) });
    assert.is(session.describe().backend, 'xnnpack');
    await session.close();
    const again = JSON.parse((await vigieHere([...args, '--json'])).stdout);
    assert.equal([again.manifest.state, again.plan], ['present', undefined], 'a plan is no change of it');
  });
}

test.run();

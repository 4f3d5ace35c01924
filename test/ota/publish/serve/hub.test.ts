/** The hub with a signed repository behind it and a mosquitto before it, and its commands. */

import { spawn } from 'node:child_process';
import { createPublicKey, verify } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { applyDelta } from '../../../../ota/bundle/delta/apply.ts';
import { readBundle } from '../../../../ota/bundle/read-bundle.ts';
import { fetchSmall } from '../../../../ota/client/store/fetch-blob.ts';
import { MemorySink } from '../../../../ota/client/store/memory-sink.ts';
import { askTime } from '../../../../ota/client/transport/ask-time.ts';
import { importDirectory } from '../../../../ota/client/transport/import-directory.ts';
import { MqttSource } from '../../../../ota/client/transport/mqtt-source.ts';
import { decodeAnnouncement } from '../../../../ota/protocol/announce.ts';
import { decodeResponse, encodeRequest } from '../../../../ota/protocol/frames.ts';
import { connectLink, type MqttLink } from '../../../../ota/protocol/mqtt-link.ts';
import type { TimeReply } from '../../../../ota/protocol/time.ts';
import { digestOf } from '../../../../ota/publish/repository/add.ts';
import { bundleBlobs } from '../../../../ota/publish/serve/bundle-blobs.ts';
import { Hub } from '../../../../ota/publish/serve/hub.ts';
import { SystemClock } from '../../../../runtime/core/clock.ts';
import { packageRoot } from '../../../../runtime/core/paths.ts';
import { vigie } from '../../../support/cli.ts';
import { type Mosquitto, startMosquitto } from '../../../support/mosquitto.ts';
import { PASSPHRASE, scoreModel, TestRepository, writeKeys } from '../../../support/ota-repository.ts';
import { waitFor } from '../../../support/wait.ts';
import { readerOf } from '../../bundle/delta/fuzz/fuzz-delta.ts';
import { FAST, NEVER, stage, topics } from '../../client/transport/support.ts';

const clock = new SystemClock(() => true);
let broker: Mosquitto;
let repository: TestRepository;
const links: MqttLink[] = [];

const connect = async () => {
  const link = await connectLink(broker.url);
  links.push(link);
  return link;
};

test.before(async () => {
  broker = await startMosquitto();
  repository = await TestRepository.make();
  await repository.add({ release: 1, onnx: scoreModel(1, 300_000) });
  const deltaFrom = [join(repository.directory, 'score-1')];
  await repository.add({ release: 2, onnx: scoreModel(1.001, 300_000), deltaFrom });
  repository.assign('default', [{ release: 2 }]);
  await repository.publish();
});
test.after(async () => {
  await Promise.all(links.map((link) => link.close()));
  repository.remove();
  await broker.stop();
});

test('a node gets metadata and every blob of a release; a stick has the same', async () => {
  const hub = new Hub({ link: await connect(), topics, directory: repository.public, clock });
  await hub.start();
  const node = new MqttSource({ link: await connect(), topics, node: 'n1', clock, timing: FAST });
  const stick = importDirectory(repository.public);
  for (const name of ['timestamp.json', '1.root.json', '2.root.json']) {
    const [one, other] = await Promise.all(
      [node, stick].map((source) => source.metadata(name, 65_536, NEVER)),
    );
    assert.ok(Buffer.compare(one ?? Buffer.of(), other ?? Buffer.of()) === 0, name);
  }
  const digest = digestOf(repository.folder, 'score', 2);
  const length = (await lengthOf(digest))!;
  const bundle = readBundle(await fetchSmall(node, { sha256: digest, length }, NEVER));
  for (const file of bundle.files) {
    const [one, other] = await Promise.all([node, stick].map((source) => fetchSmall(source, file, NEVER)));
    assert.ok(Buffer.compare(one!, other!) === 0, file.path);
  }
  hub.stop();
});

test('the delta of a release makes its model out of the one before, aligned by the initialisers', async () => {
  const stick = importDirectory(repository.public);
  const read = async (release: number) => {
    const digest = digestOf(repository.folder, 'score', release);
    const file = (await lengthOf(digest))!;
    return readBundle(await fetchSmall(stick, { sha256: digest, length: file }, NEVER));
  };
  const [before, after] = [await read(1), await read(2)];
  const delta = after.deltas.find(({ path }) => path.endsWith('.onnx'));
  if (!delta) return assert.ok(!after.deltas.length, 'floats that all changed are not worth a delta');
  const base = before.files.find(({ sha256 }) => sha256 === delta.from)!;
  const file = after.files.find(({ path }) => path === delta.path)!;
  const sink = new MemorySink(file.sha256, file.length);
  const [from, patch] = await Promise.all([base, delta].map((one) => fetchSmall(stick, one, NEVER)));
  await applyDelta({ base: readerOf(from!), delta: readerOf(patch!), sink, signal: NEVER });
  assert.is(sink.missing, 0);
});

async function lengthOf(digest: string): Promise<number | undefined> {
  const hub = new Hub({ link: await connect(), topics, directory: repository.public, clock });
  const file = await hub.tree.blob(digest);
  await file?.close();
  return file?.length;
}

test('what is broadcast of a bundle: bundle.json, maps, files, and deltas in place of the files they make', async () => {
  const hub = new Hub({ link: await connect(), topics, directory: repository.public, clock });
  for (const release of [1, 2]) {
    const digest = digestOf(repository.folder, 'score', release);
    const blobs = await bundleBlobs(hub.tree, digest);
    const length = (await lengthOf(digest))!;
    const bundle = readBundle(
      await fetchSmall(importDirectory(repository.public), { sha256: digest, length }, NEVER),
    );
    assert.is(blobs[0], digest);
    for (const { path, sha256, length: bytes, blocks } of bundle.files) {
      const patched = bundle.deltas.some((delta) => delta.path === path);
      assert.is(blobs.includes(sha256), !patched, path);
      assert.is(blobs.includes(blocks), bytes > 65_536, path);
    }
    for (const { sha256 } of bundle.deltas) assert.ok(blobs.includes(sha256));
  }
});

test('a node that floods has its share and no more; others are served', async () => {
  const set = await stage({ limits: { nodeBytesPerSecond: 65_536, nodeBurst: 65_536 } });
  try {
    const sha256 = set.folder.blob(Buffer.alloc(400_000, 3));
    const flood = set.broker.link();
    let got = 0;
    let busy = 0;
    await flood.subscribe(topics.response('flood'), (_topic, payload) => {
      const response = decodeResponse(payload)!;
      got += response.bytes.length;
      if (response.status === 'busy') busy += 1;
    });
    for (let id = 0; id < 2000; id++) {
      const frame = encodeRequest({ id, subject: { blob: sha256 }, offset: id, length: 65_536 });
      await flood.publish(topics.request('flood'), frame, { qos: 0, retain: false });
    }
    assert.ok(await set.source({ node: 'calm' }).metadata('timestamp.json', 100, NEVER));
    assert.ok(got <= 4 * 65_536, `${got} bytes`);
    assert.is(busy, 1, 'busy is said once, not to each');
    assert.ok(set.hub.counters.refused > 1900);
  } finally {
    set.end();
  }
});

test('time requests beyond a few a second are not signed', async () => {
  const { privateKey } = repository.keys.time[0]!;
  const set = await stage({ timeKey: { keyId: 'ab'.repeat(32), key: privateKey } });
  try {
    const link = set.broker.link();
    for (let i = 0; i < 50; i++)
      set.broker.deliver(topics.timeRequest('n1'), Buffer.concat([Buffer.of(1), Buffer.alloc(16, i)]));
    for (let i = 0; i < 50; i++) set.broker.deliver(topics.timeRequest('n1'), Buffer.alloc(i));
    await link.subscribe('x', () => undefined);
    await waitFor('the refusals', () => set.hub.counters.refused >= 90);
    assert.ok(set.hub.counters.timeReplies <= 8, `${set.hub.counters.timeReplies}`);
  } finally {
    set.end();
  }
});

test('vigie ota serve and broadcast: a node is served, told the time, and hears a release', async () => {
  const keys = join(repository.directory, 'keys');
  await writeKeys(keys, repository.keys);
  const passphrase = join(repository.directory, 'passphrase');
  writeFileSync(passphrase, `${PASSPHRASE}\n`, { mode: 0o600 });
  const hubArgs = ['--broker', broker.url, '--site', 'test'];
  const main = join(packageRoot, 'runtime/main.ts');
  const path = repository.folder.path;
  const wrong = await vigie([
    'ota',
    'serve',
    path,
    ...hubArgs,
    '--time-key',
    join(keys, 'deploy.key'),
    '--passphrase-file',
    passphrase,
  ]);
  assert.is(wrong.code, 20, wrong.stderr);
  const args = [
    'ota',
    'serve',
    path,
    ...hubArgs,
    '--time-key',
    join(keys, 'time.key'),
    '--passphrase-file',
    passphrase,
    '--json',
  ];
  const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  let printed = '';
  child.stderr.on('data', (text) => {
    said += text;
  });
  child.stdout.on('data', (text) => {
    printed += text;
  });
  try {
    await waitFor('the hub', () => said.includes('serving'));
    const link = await connect();
    const node = new MqttSource({ link, topics, node: 'n1', clock, timing: FAST });
    assert.ok(await node.metadata('timestamp.json', 16_384, NEVER));
    const { keyId, privateKey: key } = repository.keys.time[0]!;
    const accept = ({ keyId: by, signed, signature }: TimeReply) =>
      by === keyId && verify(null, signed, createPublicKey(key), signature);
    const asked = await askTime({ link, topics, node: 'n1', now: () => clock.mono(), accept }, NEVER);
    assert.ok(Math.abs(asked.reply.time - clock.wall()) < 10_000);
    const announced: number[] = [];
    await link.subscribe(topics.announce, (_topic, payload) => {
      announced.push(decodeAnnouncement(payload)!.broadcast.length);
    });
    let heard = 0;
    await link.subscribe(`${topics.root}/blob/#`, (_topic, payload) => {
      heard += payload.length;
    });
    const sent = await vigie([
      'ota',
      'broadcast',
      path,
      'score/1',
      ...hubArgs,
      '--settle',
      '0',
      '--rate',
      '100',
      '--json',
    ]);
    assert.is(sent.code, 0, sent.stderr);
    await waitFor('all of it', () => heard === JSON.parse(sent.stdout).bytes);
    await waitFor('its announcement', () => announced.some((count) => count > 0));
    await waitFor('the end to be announced', () => announced.at(-1) === 0);
    const missing = await vigie(['ota', 'broadcast', path, 'score/9', ...hubArgs]);
    assert.is(missing.code, 23, missing.stderr);
  } finally {
    const gone = new Promise((resolve) => child.once('close', resolve));
    child.kill('SIGTERM');
    await gone;
  }
  assert.is(child.exitCode, 0, said);
  assert.ok(JSON.parse(printed).answers >= 1);
});

test.run();

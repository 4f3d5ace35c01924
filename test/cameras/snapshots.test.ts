/** Pictures of events: their bounds, disks that refuse, and real pipelines that know nothing of either. */

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createCameras } from '../../runtime/cameras/cameras.ts';
import { SnapshotFolder, type SnapshotFolderOptions } from '../../runtime/cameras/snapshot-folder.ts';
import { Snapshots } from '../../runtime/cameras/snapshots.ts';
import { loadProfile } from '../../runtime/config/device-profile/load.ts';
import type { RunnableConfig } from '../../runtime/config/last-known-good.ts';
import { snapshotsConfig } from '../../runtime/config/schema/snapshots.ts';
import { type FileSystem, nodeFileSystem } from '../../runtime/core/file-system.ts';
import type { DetectionEvent, TimeQuality } from '../../runtime/core/messages.ts';
import { bytes, epochMillis, hours } from '../../runtime/core/units.ts';
import { camera, canCapture, filmLamp, lampModel } from '../support/cameras.ts';
import { rejects } from '../support/rejects.ts';
import { testSpine } from '../support/spine.ts';
import { waitFor } from '../support/wait.ts';

const work = mkdtempSync(join(tmpdir(), 'vigie-snapshots-'));
test.after(() => rmSync(work, { recursive: true }));

const MOST = bytes(1000);
const DAY = hours(24);
let now: number;
let quality: TimeQuality;
test.before.each(() => {
  now = Date.now();
  quality = 'synced';
});
let folders = 0;
function folder(fs?: FileSystem, more: Partial<SnapshotFolderOptions> = {}) {
  const directory = join(work, `folder-${++folders}`);
  mkdirSync(directory);
  const clock = { wall: () => epochMillis(now), timeQuality: () => quality };
  const bounds = { most: MOST, mostFiles: 100, mostAge: hours(24), reserve: bytes(0) };
  const options = { directory, ...bounds, clock, ...(fs ? { fs } : {}), ...more };
  const made = new SnapshotFolder(options);
  return { directory, made, options, has: (path: string) => existsSync(join(directory, path)) };
}

/** Writes to paths with this in them fail so. */
function refusing(code: string, part = ''): FileSystem {
  return {
    ...nodeFileSystem,
    open: (path, ...how) => {
      if (path.includes(part)) throw Object.assign(new Error(code), { code });
      return nodeFileSystem.open(path, ...how);
    },
  };
}

test('the oldest pictures make room for a new one', async () => {
  const { made, has } = folder();
  for (const event of ['1', '2', '3']) await made.keep('gate', event, new Uint8Array(300));
  assert.is(await made.keep('yard', '4', new Uint8Array(500)), 'yard/4.jpg');
  assert.equal(['gate/1.jpg', 'gate/2.jpg', 'gate/3.jpg', 'yard/4.jpg'].map(has), [false, false, true, true]);
  assert.is(made.bytes, 800);
});

test('more pictures than allowed push out the oldest, however small', async () => {
  const { made, has } = folder(undefined, { mostFiles: 2 });
  for (const event of ['1', '2', '3']) await made.keep('gate', event, new Uint8Array(10));
  await made.keep('gate', '3', new Uint8Array(20));
  assert.equal(['gate/1.jpg', 'gate/2.jpg', 'gate/3.jpg'].map(has), [false, true, true]);
});

test('pictures go when they are too old, over restarts too', async () => {
  const { made, options, directory, has } = folder();
  await made.keep('gate', '1', new Uint8Array(10));
  now += DAY / 2;
  await made.keep('gate', '2', new Uint8Array(10));
  now += DAY / 2 + 1000;
  made.expire();
  assert.equal(['gate/1.jpg', 'gate/2.jpg'].map(has), [false, true]);
  assert.is(made.bytes, 10);
  const old = join(directory, 'gate/2.jpg');
  utimesSync(old, (now - 2 * DAY) / 1000, (now - 2 * DAY) / 1000);
  const again = new SnapshotFolder(options);
  again.open();
  again.expire();
  assert.not.ok(existsSync(old));
});

test('a clock that is not set deletes nothing, and makes nothing older', async () => {
  const { made, options, directory, has } = folder();
  [now, quality] = [1000, 'unsynced'];
  await made.keep('gate', '1', new Uint8Array(10));
  const path = join(directory, 'gate/1.jpg');
  utimesSync(path, 1, 1);
  now = Date.now();
  made.expire();
  assert.ok(has('gate/1.jpg'));
  const again = new SnapshotFolder(options);
  again.open();
  quality = 'synced';
  for (const folder of [made, again]) folder.expire();
  assert.ok(has('gate/1.jpg'), 'it ages from the moment the clock was set');
  now += DAY + 1000;
  again.expire();
  assert.not.ok(has('gate/1.jpg'));
});

test('a better picture takes the place of the one before', async () => {
  const { made, directory } = folder();
  await made.keep('gate', '1', new Uint8Array(900));
  await made.keep('gate', '1', new Uint8Array(950).fill(7));
  assert.equal([made.bytes, made.written], [950, 1850]);
  assert.is(readFileSync(join(directory, 'gate/1.jpg'))[0], 7);
});

test('pictures of an earlier start count by their age, and halves are removed', async () => {
  const { made, directory, has } = folder();
  mkdirSync(join(directory, 'gate'));
  for (const [name, age] of [
    ['b', 20],
    ['a', 10],
    ['c.jpg', 5],
  ] as const) {
    const path = join(directory, 'gate', name === 'c.jpg' ? 'c.jpg.new' : `${name}.jpg`);
    writeFileSync(path, new Uint8Array(400));
    utimesSync(path, 1000 - age, 1000 - age);
  }
  made.open();
  assert.equal([made.bytes, has('gate/c.jpg.new')], [800, false]);
  await made.keep('gate', 'd', new Uint8Array(400));
  assert.equal(['gate/a.jpg', 'gate/b.jpg', 'gate/d.jpg'].map(has), [true, false, true]);
});

test('what an earlier start left is listed by camera, newest first', async () => {
  const { made, options } = folder();
  for (const [name, event] of [
    ['gate', '1'],
    ['yard', '2'],
    ['gate', '3'],
  ] as const) {
    const path = join(options.directory, await made.keep(name, event, new Uint8Array(10)));
    utimesSync(path, now / 1000 + Number(event), now / 1000 + Number(event));
  }
  assert.equal(made.left('gate'), [], 'those are of this start');
  const again = new SnapshotFolder(options);
  again.open();
  await again.keep('gate', '4', new Uint8Array(10));
  assert.equal(
    again.left('gate').map(({ event }) => event),
    ['3', '1'],
  );
});

test('a full disk is named, and leaves the picture before as it was', async () => {
  let broken = false;
  const full = refusing('ENOSPC');
  const { made, has } = folder({
    ...nodeFileSystem,
    open: (...how) => (broken ? full : nodeFileSystem).open(...how),
  });
  await made.keep('gate', '1', new Uint8Array(100));
  broken = true;
  await rejects(made.keep('gate', '1', new Uint8Array(200)), 'disk-full');
  await rejects(made.keep('gate', '2', new Uint8Array(200)), 'disk-full');
  assert.equal([made.bytes, has('gate/1.jpg'), has('gate/2.jpg')], [100, true, false]);
  broken = false;
  await made.keep('gate', '2', new Uint8Array(200));
  assert.is(made.bytes, 300);
});

test('what is left of a disk is for events', async () => {
  const { made } = folder({ ...nodeFileSystem, free: () => 50 });
  await rejects(made.keep('gate', '1', new Uint8Array(100)), 'disk-full');
});

test('ids from outside lead to no other file', async () => {
  const snapshots = new Snapshots({
    ...testSpine(),
    cameras: [],
    limits: snapshotsConfig.parse({}),
    accept: async () => {},
    dataDir: work,
    picture: () => Promise.reject(new Error('none')),
    onKept: () => {},
  });
  writeFileSync(join(work, 'secret.jpg'), 'x');
  for (const event of ['../../secret', '..', '', 'a/b', 'a\0b']) {
    assert.is(await snapshots.read('gate', event), undefined, event);
  }
});

if (canCapture()) {
  test('each intrusion has its picture, but where the disk refuses it, and there the events come all the same', async () => {
    const film = join(work, 'film');
    await filmLamp(film);
    const manifest = await lampModel(work);
    const detection = { labels: ['lamp'], motion: { enabled: false } };
    const common = {
      source: { type: 'file', file: film },
      fps: 20,
      group: 'all',
      model: { manifest },
      detection,
    };
    const cameras = [
      camera({ ...common, name: 'gate' }),
      camera({ ...common, name: 'full' }),
      camera({ ...common, name: 'shy', privacy: { snapshots: false } }),
    ];
    const spine = testSpine();
    const events: DetectionEvent[] = [];
    const dataDir = join(work, 'data');
    const made = createCameras({
      ...spine,
      running: {
        config: { cameras, snapshots: snapshotsConfig.parse({}) },
        device: { profile: loadProfile('generic-x86-64') },
      } as unknown as RunnableConfig,
      dataDir,
      idPrefix: 'boot',
      fs: refusing('ENOSPC', '/full/'),
      accept: async ({ topic, body }) => {
        if (topic === 'events/detection') events.push(body as DetectionEvent);
      },
    });
    const of = (name: string, phase: string) =>
      events.find((event) => event.camera === name && event.phase === phase);
    for (const component of made.components) await component.start(new AbortController().signal);
    try {
      for (const { name } of cameras)
        await waitFor(`an intrusion at ${name}`, () => of(name, 'start') !== undefined);
      const counted = async (camera: string, result: string) =>
        (await spine.registry.metrics()).includes(
          `vigie_snapshots_total{camera="${camera}",result="${result}"} 1`,
        );
      await waitFor('a picture', () => counted('gate', 'kept'));
      await waitFor('a refusal', () => counted('full', 'refused'));
      const refusals = spine.lines.filter(({ event }) => event === 'snapshot.refused');
      assert.match(JSON.stringify(refusals), 'the disk is full', JSON.stringify(spine.lines));
    } finally {
      for (const component of [...made.components].reverse()) await component.stop();
    }
    const kept = of('gate', 'end')?.snapshot;
    assert.is(kept?.ref, `snapshots/gate/${of('gate', 'start')?.id}.jpg`);
    const jpeg = readFileSync(join(dataDir, kept!.ref));
    const { width, height } = await sharp(jpeg).metadata();
    assert.equal([kept!.width, kept!.height, kept!.bytes], [width, height, jpeg.length]);
    for (const name of ['full', 'shy']) {
      assert.ok(of(name, 'end'), name);
      assert.is(of(name, 'end')?.snapshot, undefined, name);
    }
    assert.not.ok(existsSync(join(dataDir, 'snapshots/shy')));
  });
}

test.run();

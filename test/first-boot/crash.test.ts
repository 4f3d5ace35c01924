import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readDrop } from '../../runtime/first-boot/drop/read-drop.ts';
import { finishMoveOff, moveOff } from '../../runtime/first-boot/move-off.ts';
import { type Change, finishTakeOver, takeOver } from '../../runtime/first-boot/take-over.ts';
import { CrashFs, PowerCut } from '../support/crash-fs.ts';

const bytes = (text: string) => Buffer.from(text);
const OLD = {
  'etc/vigie/vigie.yaml': 'old\n'.repeat(300),
  'secrets/vigie/pw': 'old secret',
  'etc/gone': 'there',
};
const NEW: Record<string, string | undefined> = {
  'etc/vigie/vigie.yaml': 'new\n'.repeat(400),
  'secrets/vigie/pw': 'new secret',
  'etc/new/deep': 'new file',
  'etc/gone': undefined,
};
const changes = Object.entries(NEW).map(
  ([path, text]): Change => (text === undefined ? { path } : { path, bytes: bytes(text) }),
);

function diskWithOld(): CrashFs {
  const disk = new CrashFs();
  for (const folder of ['/data/etc/vigie', '/data/secrets/vigie', '/data/first-boot', '/boot/secrets'])
    disk.makeDirectory(folder);
  const fd = disk.open('/', 'r');
  for (const folder of disk.list('/')) disk.sync(disk.open(`/${folder}`, 'r'));
  for (const folder of ['/data/etc', '/data/secrets', '/boot']) disk.sync(disk.open(folder, 'r'));
  disk.sync(fd);
  for (const [path, text] of Object.entries(OLD)) disk.poke(`/data/${path}`, bytes(text));
  return disk;
}

const textOf = (disk: CrashFs, path: string) => {
  const found = disk.peek(`/data/${path}`);
  return found && Buffer.from(found).toString();
};
const isState = (disk: CrashFs, state: Record<string, string | undefined>) =>
  Object.keys(NEW).every((path) => textOf(disk, path) === state[path]);

/** What reaches the disk of what was not flushed, differently each time and the same each run. */
function luck(seed: number): () => boolean {
  let state = seed * 2654435761 + 1;
  return () => {
    state = (state * 1103515245 + 12345) % 2147483648;
    return state / 2147483648 < 0.5;
  };
}

/** @returns how many changes of the disk it makes undisturbed. */
function changesOf(act: (disk: CrashFs) => void): number {
  const disk = diskWithOld();
  const before = disk.changes;
  act(disk);
  return disk.changes - before;
}

function cutAt(disk: CrashFs, change: number, act: (disk: CrashFs) => void): void {
  const first = disk.changes;
  disk.fault = (at) => (at - first === change ? 'cut' : undefined);
  try {
    act(disk);
  } catch (error) {
    // As its cause, where it was caught and told.
    if (!disk.isCut) throw error;
  }
}

test('a power cut at any change leaves all of the old or all of the new', () => {
  const total = changesOf((disk) => takeOver('/data', changes, disk));
  const seen = new Set<string>();
  for (let cut = 0; cut < total; cut++) {
    for (let seed = 0; seed < 6; seed++) {
      const disk = diskWithOld();
      cutAt(disk, cut, (fs) => takeOver('/data', changes, fs));
      const after = disk.afterCut(luck(cut * 100 + seed));
      finishTakeOver('/data', after);
      const state = isState(after, OLD) ? 'old' : isState(after, NEW) ? 'new' : 'half';
      assert.is.not(state, 'half', `cut at change ${cut}, seed ${seed}`);
      assert.equal(after.list('/data/first-boot/incoming'), [], 'nothing is left in the stage');
      seen.add(state);
    }
  }
  assert.equal([...seen].sort(), ['new', 'old']);
});

test('without the flush of directories, the test would notice', () => {
  const total = changesOf((disk) => takeOver('/data', changes, disk));
  let halves = 0;
  for (let cut = 0; cut < total; cut++) {
    for (let seed = 0; seed < 6; seed++) {
      const disk = diskWithOld().afterCut(() => true, { ignores: 'directory' });
      cutAt(disk, cut, (fs) => takeOver('/data', changes, fs));
      const after = disk.afterCut(luck(cut * 100 + seed));
      try {
        finishTakeOver('/data', after);
        if (!isState(after, OLD) && !isState(after, NEW)) halves++;
      } catch {
        halves++;
      }
    }
  }
  assert.ok(halves > 0);
});

test('a cut while an interrupted one is finished is no worse', () => {
  for (let cut = 0; cut < 40; cut++) {
    const disk = diskWithOld();
    cutAt(disk, 12, (fs) => takeOver('/data', changes, fs));
    const second = disk.afterCut(luck(cut));
    cutAt(second, cut % 9, (fs) => finishTakeOver('/data', fs));
    const third = second.afterCut(luck(cut + 1000));
    finishTakeOver('/data', third);
    assert.ok(isState(third, OLD) || isState(third, NEW), `cut ${cut}`);
  }
});

test('a full disk: an error that says so, the old state, and nothing left behind', () => {
  const disk = diskWithOld().afterCut(() => true, { room: 2500 });
  assert.throws(() => takeOver('/data', changes, disk), /ENOSPC/);
  assert.ok(isState(disk, OLD));
  assert.equal(disk.list('/data/first-boot/incoming'), []);
});

const YAML =
  'node: { site: a, name: b }\nmqtt: { url: "mqtts://h", username: u, passwordFile: credential:pw }\n';

/** One start, as first-boot.ts goes about it. */
function start(disk: CrashFs): void {
  finishTakeOver('/data', disk);
  finishMoveOff('/boot', disk);
  const drop = readDrop({ fs: disk, from: '/boot', data: '/data', before: {} });
  assert.equal(drop.problems, []);
  takeOver('/data', drop.changes, disk);
  if (drop.moved.length > 0) moveOff('/boot', drop.moved, disk);
}

function dropped(): CrashFs {
  const disk = diskWithOld();
  disk.poke('/boot/vigie.yaml', bytes(YAML));
  disk.poke('/boot/secrets/pw', bytes('geheim'));
  return disk;
}

test('from the card to the node: interrupted anywhere, the next start ends it, and no secret stays on the card', () => {
  const whole = dropped();
  const first = whole.changes;
  start(whole);
  const total = whole.changes - first;
  const onCard = (disk: CrashFs) => disk.files().filter((path) => path.startsWith('/boot/'));
  assert.equal(onCard(whole), []);
  for (let cut = 0; cut < total; cut++) {
    for (let seed = 0; seed < 6; seed++) {
      const disk = dropped();
      cutAt(disk, cut, start);
      const after = disk.afterCut(luck(cut * 100 + seed));
      // What a node would read that starts now: the old secret or the new one, never zeros of an overwritten file.
      finishTakeOver('/data', after);
      assert.ok(
        ['old secret', 'geheim'].includes(textOf(after, 'secrets/vigie/pw')!),
        `cut at ${cut}, seed ${seed}`,
      );
      start(after);
      assert.is(textOf(after, 'etc/vigie/vigie.yaml'), YAML, `cut at ${cut}, seed ${seed}`);
      assert.is(textOf(after, 'secrets/vigie/pw'), 'geheim');
      assert.equal(onCard(after), []);
    }
  }
});

test('secrets are overwritten before they are deleted', () => {
  const disk = dropped();
  const wrote: string[] = [];
  disk.fault = (_, what, path) => {
    if (path.startsWith('/boot')) wrote.push(what);
    return undefined;
  };
  moveOff('/boot', ['secrets/pw'], disk);
  assert.equal(wrote, ['rename', 'sync', 'sync', 'write', 'sync', 'remove', 'sync']);
  assert.ok(PowerCut.prototype instanceof RangeError);
});

test.run();

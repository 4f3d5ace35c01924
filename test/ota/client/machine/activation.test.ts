import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { BLOCK_BYTES } from '../../../../ota/client/blob-source.ts';
import type { ConfigurationHost } from '../../../../ota/client/host.ts';
import { otaCommands } from '../../../../ota/client/machine/commands.ts';
import type { UpdaterOptions } from '../../../../ota/client/machine/updater.ts';
import { CommandTable } from '../../../../runtime/core/commands.ts';
import { InputError } from '../../../../runtime/core/errors.ts';
import { millis } from '../../../../runtime/core/units.ts';
import { CrashFs } from '../../../support/crash-fs.ts';
import {
  type Behaviour,
  type BundleOptions,
  makeBundle,
  Rig,
  RigHub,
  STORE,
  sha,
  weights,
} from '../../../support/ota/update-rig.ts';

/** A node that committed release 1, and a repository that assigns release 2; switched on again by `next`. */
async function onFirst(second: BundleOptions = {}) {
  const hub = new RigHub();
  hub.add(makeBundle(1), makeBundle(2, second));
  hub.assign([{ release: 1 }]);
  const fs = new CrashFs();
  fs.makeDirectory('/data');
  const behaviour = new Map<number, Behaviour>();
  const rig = new Rig(fs, hub, { behaviour });
  await rig.updater.start();
  await rig.update();
  hub.assign([{ release: 2 }]);
  return { hub, behaviour, rig };
}

/** The process went down without a word; the same disk, a new process. */
async function killed(rig: Rig, more: Partial<UpdaterOptions> & { behaviour?: Map<number, Behaviour> } = {}) {
  const disk = rig.fs.afterCut(() => true);
  rig.fs.isCut = true;
  await rig.updater.stop();
  const next = new Rig(disk, rig.hub, more);
  await next.updater.start();
  return next;
}

const BAD: [string, Behaviour, RegExp][] = [
  ['throws at load', { load: 'throws' }, /does not load/],
  ['fails from frame 100 on', { measures: { inferences: 130, errors: 30 } }, /30 of 130 inferences failed/],
  ['hangs, which its host counts as errors', { measures: { inferences: 2, errors: 2 } }, /2 of 2/],
  ['eats memory', { measures: { rss: 2e9 } }, /memory/],
  ['is slow at P95', { measures: { latencyP95: 400 } }, /P95 of latency is 400.0 ms/],
  ['says other things than the model before', { measures: { outputShift: 5 } }, /output lies 5.00/],
];

for (const [what, bad, reason] of BAD) {
  test(`case 49: a model that ${what} is rolled back and blocked`, async () => {
    const limits = { maxRssBytes: 1e9, latencyP95Ms: 100, maxOutputShift: 1 };
    const { rig, behaviour } = await onFirst({ health: limits });
    behaviour.set(2, bad);
    await rig.update();
    assert.is(rig.host.serving?.release, 1);
    assert.equal([rig.model?.active?.release, rig.model?.floor], [1, 1]);
    assert.match(rig.model?.refused?.reason ?? '', reason);
    assert.equal(rig.model?.blocked, [makeBundle(2, { health: limits }).digest]);
    assert.is(rig.reports.at(-1)?.models[0]?.refused?.release, 2, 'the hub was told');
    await rig.updater.stop();
  });
}

test('case 49: a model that hangs at load makes way after the time that a load may take', async () => {
  const { rig: first, hub, behaviour } = await onFirst();
  await first.updater.stop();
  behaviour.set(2, { load: 'hangs' });
  const rig = new Rig(
    first.fs.afterCut(() => true),
    hub,
    { behaviour, serveLimit: millis(20) },
  );
  await rig.updater.start();
  await rig.update();
  assert.equal([rig.host.serving?.release, rig.model?.refused?.code], [1, 'serve-timeout']);
  await rig.updater.stop();
});

test('case 49: wrong golden output never gets as far as serving', async () => {
  const { rig, behaviour } = await onFirst();
  behaviour.set(2, { selftest: 'throws' });
  await rig.update();
  assert.equal(rig.host.served, [1]);
  assert.is(rig.model?.refused?.code, 'selftest-failed');
  await rig.updater.stop();
});

test('case 49: a self-test that takes the node down is tried three times', async () => {
  const first = await onFirst();
  let rig = first.rig;
  for (let start = 0; start < 3; start++) {
    rig.host.selftest = async () => {
      rig.fs.isCut = true;
      throw new RangeError('the node is gone');
    };
    await rig.updater.check().catch(() => {});
    rig.fs.isCut = false;
    rig = await killed(rig);
  }
  await rig.update();
  assert.is(rig.host.selftests, 0);
  assert.equal([rig.model?.refused?.code, rig.host.serving?.release], ['selftest-failed', 1]);
  await rig.updater.stop();
});

test('case 50: the power goes in every attempt of a trial: exactly so many attempts, then the model before', async () => {
  for (const attempts of [1, 2, 3, 5]) {
    let { rig } = await onFirst({ attempts });
    await rig.updater.check();
    let trials = 0;
    for (let start = 0; start < attempts + 3; start++) {
      if (rig.host.serving?.release === 2) trials += 1;
      rig = await killed(rig);
    }
    assert.is(trials, attempts);
    assert.equal([rig.host.serving?.release, rig.model?.trial, rig.model?.floor], [1, null, 1]);
    assert.match(rig.model?.refused?.reason ?? '', /went down in each of/);
    assert.is(rig.model?.blocked.length, 1);
    await rig.updater.stop();
  }
});

test('case 51: when the model before is bad as well the name is idle, and the report says so', async () => {
  const { rig, behaviour } = await onFirst();
  behaviour.set(1, { load: 'throws' });
  behaviour.set(2, { load: 'throws' });
  await rig.update();
  assert.is(rig.host.serving, undefined);
  assert.match(rig.host.idleReason ?? '', /release 1 does not load/);
  const told = rig.reports.at(-1)?.models[0];
  assert.equal([told?.serving, told?.active?.release], [null, 1]);
  assert.match(told?.trouble ?? '', /does not load/);
  assert.is(rig.updater.health().state, 'degraded');
  behaviour.clear();
  const again = await killed(rig, { behaviour });
  assert.is(again.host.serving?.release, 1, 'what was committed is not blocked: the next start tries it');
  await again.updater.stop();
});

test('case 51: a committed model that takes the process down at every start gives way, then everything is idle', async () => {
  const first = await onFirst();
  await first.rig.update();
  let rig = first.rig;
  assert.is(rig.model?.active?.release, 2);
  const served: (number | undefined)[] = [];
  for (let start = 0; start < 7; start++) {
    rig = await killed(rig);
    served.push(rig.host.serving?.release);
  }
  assert.equal(served, [2, 2, 2, 1, 1, 1, undefined]);
  assert.match(rig.host.idleReason ?? '', /went down 6 times/);
  rig = await killed(rig);
  assert.is(rig.host.serving?.release, 2, 'and tries again after that');
  await rig.runTrial(70);
  rig = await killed(rig);
  rig = await killed(rig);
  rig = await killed(rig);
  assert.is(rig.host.serving?.release, 2, 'a minute without trouble, and starts are counted anew');
  await rig.updater.stop();
});

test('case 52: SIGKILL during a trial counts as an attempt, a stop for an upgrade does not; both go on', async () => {
  let { rig } = await onFirst();
  await rig.updater.check();
  assert.is(rig.model?.trial?.attemptsLeft, 2);
  for (let upgrade = 0; upgrade < 5; upgrade++) {
    await rig.updater.stop();
    rig = new Rig(
      rig.fs.afterCut(() => true),
      rig.hub,
    );
    await rig.updater.start();
    assert.equal([rig.host.serving?.release, rig.model?.trial?.attemptsLeft], [2, 2]);
  }
  rig = await killed(rig);
  assert.is(rig.model?.trial?.attemptsLeft, 1);
  await rig.runTrial();
  assert.equal([rig.model?.active?.release, rig.model?.previous?.release], [2, 1]);
  await rig.updater.stop();
});

test('case 52: clearing up never takes current or previous, and takes what neither needs', async () => {
  const { hub, rig } = await onFirst();
  await rig.update();
  hub.add(makeBundle(3));
  hub.assign([{ release: 3 }]);
  await rig.update();
  await rig.updater.tick();
  const names = rig.fs.list(`${STORE}/blobs`);
  for (const release of [2, 3])
    for (const name of makeBundle(release).blobs.keys()) needed(names, name, release);
  const old = [...makeBundle(1).blobs.keys()].filter((name) => !makeBundle(2).blobs.has(name));
  assert.ok(old.every((name) => !names.includes(name)));
  await rig.updater.rollBack('score', 'by hand');
  assert.is(rig.host.serving?.release, 2);
  assert.equal(rig.host.violations, []);
  await rig.updater.stop();
});

/** Of a file of one block the map is never fetched. */
function needed(names: readonly string[], name: string, release: number): void {
  const oneBlock = makeBundle(release).bundle.files.some(
    ({ blocks, length }) => blocks === name && length <= BLOCK_BYTES,
  );
  assert.ok(oneBlock || names.includes(name), `${name} of release ${release}`);
}

test('case 45: a disk that refuses every flush lets nothing new serve and nothing old go', async () => {
  const { rig } = await onFirst();
  rig.fs.fault = (_change, what) => (what === 'sync' ? 'EROFS' : undefined);
  await rig.update().catch(() => {});
  assert.equal([rig.host.serving?.release, rig.model?.active?.release], [1, 1]);
  assert.is(rig.updater.health().state, 'degraded');
  rig.fs.fault = () => undefined;
  await rig.update();
  assert.is(rig.model?.active?.release, 2);
  await rig.updater.stop();
});

test('case 45: a disk that became read-only serves what it holds, after a start as well', async () => {
  for (const errno of ['EROFS', 'EIO', 'ENOSPC']) {
    const { rig, hub } = await onFirst();
    await rig.updater.stop();
    const next = new Rig(
      rig.fs.afterCut(() => true),
      hub,
    );
    next.fs.fault = () => errno;
    await next.updater.start();
    assert.is(next.host.serving?.release, 1);
    await next.update().catch(() => {});
    assert.equal([next.host.serving?.release, next.updater.health().state], [1, 'degraded']);
    await next.updater.stop();
  }
});

test('case 44: no room anywhere, then room: the update goes on; the disk is asked before it is filled', async () => {
  const { rig, hub } = await onFirst();
  const free = rig.fs.free.bind(rig.fs);
  (rig.fs as { free: () => number }).free = () => 1000;
  const before = rig.fs.bytesWritten;
  const { models } = await rig.updater.check();
  assert.is(models[0]?.result === 'refused' && models[0].code, 'ota-disk-full');
  assert.ok(rig.fs.bytesWritten - before < 20_000, 'nothing of the model was written');
  (rig.fs as { free: () => number }).free = free;
  hub.repository.asked.length = 0;
  await rig.update();
  assert.is(rig.model?.active?.release, 2);
  await rig.updater.stop();
});

test('case 44: ENOSPC or EIO at any one change of an update: it serves all the way, and gets there with the next check', async () => {
  const first = await onFirst();
  await first.rig.updater.stop();
  for (let at = 0; at < 90; at += 1) {
    const rig = new Rig(
      first.rig.fs.afterCut(() => true),
      first.hub,
    );
    await rig.updater.start();
    const start = rig.fs.changes;
    const errno = at % 2 === 0 ? 'ENOSPC' : 'EIO';
    rig.fs.fault = (change) => (change - start === at ? errno : undefined);
    await rig.update().catch(() => {});
    assert.ok(rig.host.serving, `nothing serves after ${errno} at ${at}`);
    await rig.update();
    assert.equal([rig.host.serving?.release, rig.model?.active?.release], [2, 2], `${errno} at ${at}`);
    assert.equal(rig.host.violations, []);
    await rig.updater.stop();
  }
});

test('an aborted rollout: what was staged and is assigned no more is given up; what is on trial goes on', async () => {
  const { rig, hub } = await onFirst();
  hub.assign([{ release: 2, window: { from: 3, to: 4 } }]);
  await rig.update();
  assert.is(rig.model?.staged?.release, 2);
  hub.assign([{ release: 1 }]);
  await rig.update();
  assert.is(rig.model?.staged, null);
  hub.assign([{ release: 2 }]);
  await rig.updater.check();
  assert.is(rig.model?.trial?.release, 2);
  hub.assign([{ release: 1 }]);
  await rig.update();
  assert.is(rig.model?.active?.release, 2);
  await rig.updater.stop();
});

test('a delta makes the new file out of the old one; one that fails falls back to the whole file', async () => {
  for (const works of [true, false]) {
    const hub = new RigHub();
    const [old, next] = [weights(1), weights(2)];
    const delta = Buffer.alloc(500, 1);
    hub.add(makeBundle(1), makeBundle(2, { deltas: [{ path: 'model', from: sha(old), content: delta }] }));
    hub.assign([{ release: 1 }]);
    const fs = new CrashFs();
    fs.makeDirectory('/data');
    const rig = new Rig(fs, hub, {
      applyDelta: async ({ base, delta: reader, sink }) => {
        const head = new Uint8Array(8);
        assert.equal([base.read(head, 0), base.length, reader.length], [8, old.length, 500]);
        assert.equal([...head], [...old.subarray(0, 8)]);
        if (!works) throw new InputError('ota-bad-delta', 'a segment reaches outside');
        for (let i = 0; i < sink.count; i++) {
          await sink.write(i, next.subarray(i * BLOCK_BYTES, (i + 1) * BLOCK_BYTES));
        }
      },
    });
    await rig.updater.start();
    await rig.update();
    hub.assign([{ release: 2 }]);
    const [fetched, written] = [hub.fetchedBytes, fs.bytesWritten];
    await rig.update();
    assert.is(rig.model?.active?.release, 2);
    assert.is(hub.fetchedBytes - fetched > next.length, !works);
    assert.ok(fs.bytesWritten - written < next.length * 1.1 + 20_000, 'the delta itself is not written');
    assert.is(fs.openFiles, 0);
    await rig.updater.stop();
  }
});

test('bytes written by a whole install, records and metadata included, are within 1.1 times a bundle of 4 MiB', async () => {
  const { rig, hub } = await onFirst();
  await rig.update();
  const files = { model: weights(9, 4 * 1024 ** 2), labels: weights(8, 3000) };
  const bundle = makeBundle(3, { files });
  hub.add(bundle);
  hub.assign([{ release: 3 }]);
  const before = rig.fs.bytesWritten;
  await rig.update();
  const ratio = (rig.fs.bytesWritten - before) / (files.model.length + files.labels.length);
  console.log(`written per install: ${ratio.toFixed(4)} times the bundle`);
  assert.is(rig.model?.active?.release, 3);
  assert.ok(ratio < 1.1, `${ratio}`);
  await rig.updater.stop();
});

class RigConfiguration implements ConfigurationHost {
  current = 'first';
  before = 'first';
  kept = 'first';
  problem: string | undefined;
  async apply(bytes: Uint8Array) {
    const text = Buffer.from(bytes).toString();
    if (text.includes('wrong')) throw new InputError('config-invalid', 'line 1: unknown key');
    [this.before, this.current] = [this.current, text];
  }
  trouble() {
    return this.problem;
  }
  keep() {
    this.kept = this.current;
  }
  async rollBack() {
    this.current = this.before;
    this.problem = undefined;
  }
}

test('a restart during a trial holds the output against that of the same release as before', async () => {
  const { rig, hub } = await onFirst();
  const spread = { bounds: [1, 2.5], below: [0, 0.25], upTo: [0.5, 1] };
  rig.host.outputs = { scores: spread };
  hub.assign([{ release: 2 }]);
  await rig.updater.check();
  assert.equal([rig.host.serving?.release, rig.host.references.at(-1)], [2, { scores: spread }]);
  const next = await killed(rig);
  assert.equal([next.host.serving?.release, next.host.references.at(-1)], [2, { scores: spread }]);
  const behaviour = { measures: { outputShift: 0.9 } };
  next.host.behaviour.set(2, behaviour);
  await next.runTrial();
  assert.is(next.model?.active?.release, 2, 'this gate has no limit on it');
  await next.updater.stop();
});

test('what was committed and hangs is said, for as long as it does', async () => {
  const { rig } = await onFirst();
  const hanging = new Map([[1, { measures: { waiting: 10_000 } }]]);
  rig.host.behaviour = hanging;
  rig.clock.pass(1000);
  await rig.updater.tick();
  assert.match(rig.model?.trouble ?? '', /hangs: an inference has not come back for 10 s/);
  assert.is(rig.updater.health().state, 'degraded');
  rig.host.behaviour = new Map();
  rig.clock.pass(1000);
  await rig.updater.tick();
  assert.is(rig.model?.trouble, null);
  await rig.updater.stop();
});

test('a configuration that is assigned is tried, committed after a minute, refused or rolled back', async () => {
  const { rig: plain, hub } = await onFirst();
  await plain.updater.stop();
  const configuration = new RigConfiguration();
  let rig = new Rig(
    plain.fs.afterCut(() => true),
    hub,
    { configuration },
  );
  await rig.updater.start();
  const assign = async (text: string) => {
    const bytes = Buffer.from(text);
    hub.blobs.set(sha(bytes), bytes);
    hub.assign([{ release: 1 }], { configuration: { sha256: sha(bytes), length: bytes.length } });
    await rig.updater.check();
    return sha(bytes);
  };
  const good = await assign('good: 1');
  assert.equal([configuration.current, rig.updater.status().configuration], ['good: 1', null]);
  await rig.runTrial(62);
  assert.equal([rig.updater.status().configuration, configuration.kept], [good, 'good: 1']);
  await assign('wrong: 1');
  assert.is(configuration.current, 'good: 1');
  await assign('bad: 1');
  configuration.problem = 'mqtt failed';
  await rig.runTrial(1);
  assert.equal([configuration.current, rig.updater.status().configuration], ['good: 1', good]);
  await rig.updater.check();
  assert.is(configuration.current, 'good: 1', 'it is blocked');
  await assign('crashes: 1');
  for (let start = 0; start < 3; start++) {
    assert.is(configuration.current, 'crashes: 1');
    rig = await killed(rig, { configuration });
  }
  assert.is(configuration.current, 'good: 1', 'three starts, and back');
  await rig.updater.stop();
});

test('the commands check, install, roll back, pin and unblock, and refuse wrong arguments by name', async () => {
  const { rig, hub } = await onFirst();
  const table = new CommandTable();
  for (const command of otaCommands(rig.updater)) table.add(command);
  hub.assign([{ release: 2, window: { from: 3, to: 4 } }]);
  await table.run('ota-check', {});
  assert.is(rig.model?.staged?.release, 2);
  await table.run('ota-install', { name: 'score' });
  assert.is(rig.host.serving?.release, 2);
  await rig.runTrial();
  await table.run('ota-rollback', { name: 'score' });
  assert.is(rig.host.serving?.release, 1);
  await table.run('ota-unblock', { name: 'score', digest: makeBundle(2).digest });
  await table.run('ota-pin', { name: 'score' });
  assert.equal([rig.model?.blocked, rig.model?.pinned], [[], true]);
  const code = (name: string, args: object) => table.run(name, args).then(String, (error) => error.code);
  assert.is(await code('ota-install', { name: 'score' }), 'ota-not-staged');
  assert.is(await code('ota-rollback', { name: 'score' }), 'ota-no-previous');
  assert.is(await code('ota-rollback', { name: '../x' }), 'bad-arguments');
  assert.is(await code('ota-unblock', { name: 'score', digest: 'x' }), 'bad-arguments');
  await rig.updater.stop();
});

test('reports are signed, their counter rises over restarts, and one that did not leave is sent again as it was', async () => {
  const { rig } = await onFirst();
  const counters = rig.reports.map(({ counter }) => counter);
  const next = await killed(rig);
  await next.updater.tick();
  assert.ok(next.reports[0]!.counter > counters.at(-1)!);
  assert.is(next.reports[0]!.key, rig.reports[0]!.key);
  await next.updater.stop();
});

test.run();

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ServingMeasures } from '../../../../ota/client/host.ts';
import { judge } from '../../../../ota/client/machine/gate.ts';
import { inHours, planDisk, planRelease, trialWaitsFor } from '../../../../ota/client/machine/plan.ts';
import { emptyRecord, type ModelRecord } from '../../../../ota/client/machine/record.ts';
import { CrashFs } from '../../../support/crash-fs.ts';
import { GATE, makeBundle, Rig, RigHub, STORE, sha } from '../../../support/ota/update-rig.ts';

const digest = (n: number) => sha(Buffer.of(n));
const committed: ModelRecord = {
  ...emptyRecord('score'),
  active: { release: 5, digest: digest(5) },
  previous: { release: 4, digest: digest(4) },
  floor: { release: 5, digest: digest(5) },
};
const assigned = (release: number) => ({ name: 'score', release });
const code = (plan: ReturnType<typeof planRelease>) => (plan.do === 'refuse' ? plan.code : plan.do);

/** A node on release 5 of its model. */
async function onFive(hub: RigHub): Promise<Rig> {
  hub.add(makeBundle(5));
  hub.assign([{ release: 5 }]);
  const disk = new CrashFs();
  disk.makeDirectory('/data');
  const rig = new Rig(disk, hub);
  await rig.updater.start();
  await rig.update();
  assert.is(rig.model?.active?.release, 5);
  return rig;
}

test('case 37: a lower release under valid newer metadata is refused: the floor holds', async () => {
  assert.is(code(planRelease(committed, assigned(4), digest(40), [])), 'ota-rollback');
  const hub = new RigHub();
  const rig = await onFive(hub);
  hub.add(makeBundle(3));
  hub.assign([{ release: 3 }]);
  const { models } = await rig.updater.check();
  assert.is(models[0]?.result === 'refused' && models[0].code, 'ota-rollback');
  assert.is(rig.updater.status().attack, true);
  assert.is(rig.host.serving?.release, 5);
  await rig.updater.stop();
});

test('case 38: the release of the floor with other content is refused, with the same content it is not', async () => {
  assert.is(code(planRelease(committed, assigned(5), digest(50), [])), 'ota-rollback');
  assert.is(code(planRelease({ ...committed, active: null }, assigned(5), digest(5), [])), 'install');
  const hub = new RigHub();
  const rig = await onFive(hub);
  hub.add(makeBundle(5, { files: { model: Buffer.from('other content') } }));
  hub.assign([{ release: 5 }]);
  const { models } = await rig.updater.check();
  assert.is(models[0]?.result === 'refused' && models[0].code, 'ota-rollback');
  await rig.updater.stop();
});

test('case 39: a bundle for other hardware, architecture or version is refused before its files are fetched', async () => {
  const wrong = [
    { runtime: '>=9' },
    { boards: ['jetson-nano'] },
    { architectures: ['x64'] },
    { ramBytes: 1e15 },
    { diskBytes: 2 ** 53 - 1 },
  ];
  const hub = new RigHub();
  const rig = await onFive(hub);
  (rig.fs as { free: () => number }).free = () => 1e9;
  for (const [i, requires] of wrong.entries()) {
    const bundle = makeBundle(6 + i, { requires });
    hub.add(bundle);
    hub.assign([{ release: 6 + i }]);
    const before = hub.fetchedBytes;
    const { models } = await rig.updater.check();
    assert.is(models[0]?.result === 'refused' && models[0].code, 'ota-incompatible');
    assert.is(rig.model?.refused?.release, 6 + i);
    assert.ok(hub.fetchedBytes - before < 10_000, 'no more than assignment and bundle.json');
  }
  assert.is(rig.host.serving?.release, 5);
  await rig.updater.stop();
});

test('case 40: paths of a bundle that lead elsewhere are refused before a file is made', async () => {
  const hub = new RigHub();
  const rig = await onFive(hub);
  const bad = ['../../etc/passwd', '/etc/passwd', 'a\0b', 'Model', `${'a'.repeat(64)}/`.repeat(5)];
  for (const [i, path] of bad.entries()) {
    hub.add(makeBundle(6 + i, { files: { model: Buffer.from('m'), [path]: Buffer.from('x') } }));
    hub.assign([{ release: 6 + i }]);
    const files = rig.fs.files().length;
    const { models } = await rig.updater.check();
    assert.is(models[0]?.result === 'refused' && models[0].code, 'ota-malformed', path);
    const others = rig.fs.files().filter((file) => !file.startsWith(`${STORE}/metadata/`));
    assert.ok(others.length <= files && others.every((file) => file.startsWith(`${STORE}/`)));
  }
  assert.is(rig.updater.status().attack, true);
  await rig.updater.stop();
});

test('case 43: an assignment of another group is refused', async () => {
  const hub = new RigHub();
  const rig = await onFive(hub);
  hub.add(makeBundle(6));
  const before = rig.model;
  hub.assign([{ release: 6 }], { group: 'line-2' });
  const error = await rig.updater.check().catch((reason) => reason);
  assert.is(error.code, 'ota-mismatch');
  assert.equal(rig.model, before);
  await rig.updater.stop();
});

test('case 43: a digest that the assignment blocks is not installed, and what serves gives way to the one before', async () => {
  const hub = new RigHub();
  const rig = await onFive(hub);
  const [six, seven] = [makeBundle(6), makeBundle(7)];
  hub.add(six, seven);
  hub.assign([{ release: 6 }]);
  await rig.update();
  assert.is(rig.host.serving?.release, 6);
  hub.assign([{ release: 7 }], { blocked: [seven.digest, six.digest] });
  const { models } = await rig.updater.check();
  assert.is(models[0]?.result === 'refused' && models[0].code, 'ota-blocked');
  assert.equal([rig.host.serving?.release, rig.model?.active?.release], [5, 5]);
  assert.is(rig.model?.floor, 6, 'I-5');
  hub.assign([], { blocked: [makeBundle(5).digest] });
  await rig.updater.check();
  assert.is(rig.host.serving?.release, 5, 'nothing to go back to: what serves goes on');
  assert.is(rig.updater.health().state, 'degraded');
  await rig.updater.stop();
});

test('a digest that was rolled back here is not tried again until it is unblocked by hand', async () => {
  const hub = new RigHub();
  const rig = await onFive(hub);
  const six = makeBundle(6);
  hub.add(six);
  hub.assign([{ release: 6 }]);
  rig.host.behaviour.set(6, { measures: { errors: 100 } });
  await rig.update();
  assert.equal([rig.host.serving?.release, rig.model?.refused?.code], [5, 'ota-unhealthy']);
  const { models } = await rig.updater.check();
  assert.is(models[0]?.result === 'refused' && models[0].code, 'ota-unhealthy', 'why it is blocked');
  rig.host.behaviour.clear();
  await rig.updater.unblock('score', six.digest);
  await rig.update();
  assert.is(rig.model?.active?.release, 6);
  await rig.updater.stop();
});

test('a pinned node stays, and follows again when it is no longer pinned', async () => {
  const hub = new RigHub();
  const rig = await onFive(hub);
  hub.add(makeBundle(6));
  hub.assign([{ release: 6 }]);
  await rig.updater.pin('score', true);
  await rig.update();
  assert.is(rig.model?.active?.release, 5);
  await rig.updater.pin('score', false);
  await rig.update();
  assert.is(rig.model?.active?.release, 6);
  await rig.updater.stop();
});

test('disk: what is to be written and a tenth more must be free', () => {
  assert.is(planDisk(1000, 1100).do, 'install');
  const refused = planDisk(1000, 1099);
  assert.is(refused.do === 'refuse' && refused.code, 'ota-disk-full');
  assert.is(planDisk(0, 0).do, 'install');
});

test('a trial waits for trusted time and for its hours', () => {
  const at = (hour: number) => hour * 3_600_000;
  const target = { offlineOk: false, window: { from: 22, to: 4 } };
  assert.is(trialWaitsFor(target, { now: at(23), trust: 'NTP' }), undefined);
  assert.is(trialWaitsFor(target, { now: at(3.99), trust: 'SIGNED' }), undefined);
  assert.match(trialWaitsFor(target, { now: at(12), trust: 'NTP' }) ?? '', /hours/);
  assert.match(trialWaitsFor(target, { now: at(23), trust: 'FLOOR' }) ?? '', /time/);
  assert.match(trialWaitsFor({ ...target, window: null }, { now: 0, trust: 'NONE' }) ?? '', /time/);
  assert.is(trialWaitsFor({ ...target, offlineOk: true }, { now: at(12), trust: 'FLOOR' }), undefined);
  assert.is(inHours({ from: 8.5, to: 9 }, at(8.75)), true);
  assert.is(inHours({ from: 8.5, to: 9 }, at(9)), false);
  assert.is(inHours({ from: 5, to: 5 }, at(1)), true);
});

test('the gate: a broken limit ends a trial at once, only the whole window passes it', () => {
  const good: ServingMeasures = {
    inferences: 100,
    errors: 0,
    latencyP95: 5,
    rss: 1e6,
    rate: 1,
    outputShift: 0,
    waiting: 0,
  };
  const gate = { ...GATE, latencyP95Ms: 20, maxRssBytes: 2e6, maxOutputShift: 1 };
  const verdict = (change: Partial<ServingMeasures>, elapsed = 10_000) =>
    judge(gate, { ...good, ...change }, elapsed).verdict;
  assert.is(verdict({}), 'commit');
  assert.is(verdict({}, 9999), 'wait');
  assert.is(verdict({ inferences: 4 }, 1e9), 'wait', 'too few are no evidence, however long it takes');
  assert.is(verdict({ errors: 11 }, 0), 'roll-back');
  assert.is(verdict({ errors: 10 }), 'commit');
  assert.is(verdict({ inferences: 2, errors: 2 }, 0), 'roll-back', 'no later success could make up for it');
  assert.is(verdict({ errors: 1, ends: 1 }), 'commit');
  assert.is(verdict({ errors: 2, ends: 2 }, 0), 'roll-back', 'a process that ends is dearer than an error');
  assert.is(verdict({ rss: 3e6, inferences: 0 }, 0), 'roll-back');
  assert.is(verdict({ latencyP95: 21 }, 0), 'roll-back');
  assert.is(verdict({ latencyP95: 21, inferences: 3 }, 0), 'wait');
  assert.is(verdict({ outputShift: 1.01 }, 0), 'roll-back');
  assert.is(verdict({ outputShift: undefined }), 'commit');
  assert.is(verdict({ waiting: 9999 }), 'commit');
  assert.is(
    verdict({ waiting: 10_000, inferences: 0 }, 0),
    'roll-back',
    'what hangs has no inferences to judge',
  );
  assert.is(judge(gate, undefined, 0).verdict, 'roll-back');
});

test.run();

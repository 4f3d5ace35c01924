/**
 * Case 46: the power goes at every change of the disk, and of what was not flushed nothing, everything, or some random
 * part is there afterwards. From each such disk the node must serve a verified model, forget nothing that it told, and
 * come to the end that it was on its way to.
 */

import { performance } from 'node:perf_hooks';
import * as assert from 'uvu/assert';
import { BLOCK_BYTES } from '../../../ota/client/blob-source.ts';
import type { UpdaterOptions } from '../../../ota/client/machine/updater.ts';
import { CrashFs, type CrashFsOptions } from '../crash-fs.ts';
import { pseudoRandom } from './pseudo-random.ts';
import { type Behaviour, makeBundle, Rig, RigHub, weights } from './update-rig.ts';

const RANDOM_SUBSETS = 20;
/** One in so many disks is also taken to the end of the update: that takes several milliseconds. */
const EVERY = 22;

export interface Scene {
  readonly hub: RigHub;
  readonly behaviour: Map<number, Behaviour>;
  /** The disk before, all of it flushed. */
  readonly disk: CrashFs;
  /** What the power cuts short. */
  readonly work: (rig: Rig) => Promise<void>;
  /** Of one cut: nothing, everything, random ones; all when it is not given. */
  readonly subsets?: number;
  /** Releases that may be active in the end. */
  readonly end: readonly number[];
  /** Of every node in it. */
  readonly options?: Partial<UpdaterOptions>;
}

export interface Tally {
  states: number;
  readonly violations: string[];
}

const small = (seed: number) => ({ files: { model: weights(seed, BLOCK_BYTES + 700) } });
const [first, second] = [makeBundle(1, small(1)), makeBundle(2, small(2))];

/** A node with `release` committed, then `prepare` done, and switched off. */
export async function diskAfter(
  hub: RigHub,
  options: CrashFsOptions,
  prepare: (rig: Rig) => Promise<void> = async () => {},
): Promise<CrashFs> {
  hub.assign([{ release: 1 }]);
  const rig = new Rig(emptyDisk(options), hub);
  await rig.updater.start();
  await rig.update();
  assert.is(rig.model?.active?.release, 1);
  await prepare(rig);
  await rig.updater.stop();
  return rig.fs.afterCut(() => true, options);
}

/** Whoever installs the software makes the data directory, as durable as the rest. */
export function emptyDisk(options: CrashFsOptions = {}): CrashFs {
  const disk = new CrashFs(options);
  disk.makeDirectory('/data');
  return disk.afterCut(() => true, options);
}

export function newHub(): RigHub {
  const hub = new RigHub();
  hub.add(first, second);
  return hub;
}

/** Every index of a change until the work is done without being cut. */
async function cutEverywhere(scene: Scene, options: CrashFsOptions): Promise<Tally> {
  const tally: Tally = { states: 0, violations: [] };
  for (let at = 0; ; at++) {
    const rig = new Rig(
      scene.disk.afterCut(() => true, options),
      scene.hub,
      { behaviour: scene.behaviour, ...scene.options },
    );
    rig.fs.fault = (change) => (change === at ? 'cut' : undefined);
    await attempt(async () => {
      await rig.updater.start();
      await scene.work(rig);
    });
    await attempt(() => rig.updater.stop());
    if (!rig.fs.isCut) return tally;
    await judgeAll(scene, rig, at, tally);
    // Of a disk that is known to forget, one finding is enough.
    if (options.ignores && tally.violations.length > 0) return tally;
  }
}

/** Works on a disk that may lose power at any time: what fails then is not the question. */
async function attempt(work: () => Promise<unknown>): Promise<void> {
  await work().catch(() => {});
}

async function judgeAll(scene: Scene, rig: Rig, at: number, tally: Tally): Promise<void> {
  const random = pseudoRandom(at + 1);
  const subsets = scene.subsets ?? RANDOM_SUBSETS + 2;
  for (let subset = 0; subset < subsets; subset++) {
    const keeps = subset === 0 ? () => false : subset === 1 ? () => true : () => random() < 0.5;
    const before = tally.violations.length;
    await judge(scene, rig, rig.fs.afterCut(keeps), (subset + at) % EVERY === 0, tally);
    tally.states += 1;
    for (let i = before; i < tally.violations.length; i++) {
      tally.violations[i] = `cut at change ${at}, subset ${subset}: ${tally.violations[i]}`;
    }
  }
}

async function judge(scene: Scene, cut: Rig, disk: CrashFs, toTheEnd: boolean, tally: Tally): Promise<void> {
  const say = (text: string) => tally.violations.push(text);
  const rig = new Rig(disk, scene.hub, { behaviour: scene.behaviour, ...scene.options });
  try {
    await rig.updater.start();
    const model = rig.model;
    const serving = rig.host.serving?.release;
    if (serving === undefined) say(`nothing serves: ${rig.host.idleReason}`);
    if (!model?.active) say('no release is active');
    if (rig.host.violations.length > 0) say(rig.host.violations.join('; '));
    const told = cut.reports.at(-1);
    const toldModel = told?.models[0];
    if (toldModel && model) {
      if (model.floor < toldModel.floor) say(`the floor ${toldModel.floor} was told, and is ${model.floor}`);
      for (const digest of toldModel.blocked) {
        if (!model.blocked.includes(digest)) say('a digest that was told as blocked is not blocked');
      }
    }
    if (toTheEnd) {
      await rig.update();
      const end = rig.model?.active?.release;
      if (end === undefined || !scene.end.includes(end)) say(`it came to ${end}, not ${scene.end.join()}`);
      if (rig.host.serving?.release !== end) say(`${rig.host.serving?.release} serves, ${end} is active`);
      if (rig.host.violations.length > 0) say(rig.host.violations.join('; '));
      const counters = [told?.counter ?? -1, ...rig.reports.map(({ counter }) => counter)];
      if (counters.some((counter, i) => i > 0 && counter <= counters[i - 1]!))
        say('a report has an old counter');
    }
  } catch (error) {
    say(`fault: ${error}`);
  } finally {
    await rig.updater.stop();
  }
}

export async function run(name: string, scene: Scene, options: CrashFsOptions = {}): Promise<Tally> {
  const began = performance.now();
  const tally = await cutEverywhere(scene, options);
  const seconds = (performance.now() - began) / 1000;
  console.log(`${name}: ${tally.states} states, ${Math.round(tally.states / seconds)} a second`);
  return tally;
}

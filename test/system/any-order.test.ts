/** Whatever happens in whatever order, and wherever the power goes: a whole system starts, and a confirmed one is there. */

import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { MOST_TRIES } from '../../runtime/system/boot-state.ts';
import { PowerCut } from '../support/crash-fs.ts';
import { type Quality, World } from '../support/system-world.ts';

interface Step {
  readonly what: 'install' | 'reboot' | 'power-cut' | 'judge' | 'roll-back';
  readonly quality: Quality;
  readonly cutInSlot: boolean;
  /** At which change of the boot partition the power goes; none when it is not reached. */
  readonly cutAt: number;
}

const step = fc.record<Step>({
  what: fc.constantFrom('install', 'install', 'reboot', 'reboot', 'power-cut', 'judge', 'judge', 'roll-back'),
  quality: fc.constantFrom('good', 'good', 'ill', 'hangs'),
  cutInSlot: fc.boolean(),
  cutAt: fc.oneof(
    { weight: 2, arbitrary: fc.constant(Number.POSITIVE_INFINITY) },
    { weight: 1, arbitrary: fc.nat(12) },
  ),
});

function take(world: World, { what, quality, cutInSlot, cutAt }: Step): void {
  const from = world.fs.changes;
  world.fs.fault = (change) => (change - from === cutAt ? 'cut' : undefined);
  try {
    if (what === 'install') world.install(quality, cutInSlot && cutAt < 6);
    if (what === 'reboot') world.reboot();
    if (what === 'power-cut') world.powerCut();
    if (what === 'judge') world.judge();
    if (what === 'roll-back') world.rollBack();
  } catch (error) {
    if (!(world.fs.isCut || error instanceof PowerCut)) throw error;
    world.powerCut();
  }
  world.fs.fault = () => undefined;
}

for (const loader of ['grub', 'tryboot'] as const) {
  test(`${loader}: no order of events and power cuts leaves a node without a whole system`, () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 24 }), fc.infiniteStream(fc.boolean()), (steps, coins) => {
        const world = new World(loader, () => coins.next().value!);
        try {
          for (const one of steps) {
            take(world, one);
            const { primary, trial, bad } = world.chooser.read();
            // What starts by itself is whole and was confirmed once.
            assert.is(world.slots[primary].isWhole, true);
            assert.is(world.slots[primary].quality, 'good');
            assert.ok((trial?.tries ?? 0) <= MOST_TRIES);
            assert.is.not(bad, primary);
            assert.is.not(world.standing, 'trial-ended');
            assert.is.not(world.standing, 'astray');
          }
          // Left alone, it comes to rest on a confirmed system.
          for (let turn = 0; turn < 4; turn++) {
            world.reboot();
            world.judge();
          }
          assert.is(world.standing, 'stable');
        } finally {
          world.end();
        }
      }),
      { numRuns: 400 },
    );
  });
}

test('an update that does well is kept, one that is ill or hangs is not, and all three say so', () => {
  for (const loader of ['grub', 'tryboot'] as const) {
    const world = new World(loader, () => false);
    world.install('good', false);
    assert.is(world.standing, 'pending');
    world.reboot();
    assert.is(world.running, 'B');
    assert.is(world.standing, 'on-trial');
    world.judge();
    assert.is(world.standing, 'stable');
    world.install('ill', false);
    world.reboot();
    assert.is(world.running, 'A');
    world.judge();
    assert.is(world.running, 'B');
    assert.is(world.chooser.read().bad, 'A');
    world.install('hangs', false);
    world.reboot();
    assert.is(world.running, 'B');
    assert.is(world.standing, 'stable');
    world.end();
  }
});

test('a power cut in a trial ends it with tryboot; GRUB makes one more try', () => {
  for (const loader of ['grub', 'tryboot'] as const) {
    const world = new World(loader, () => false);
    world.install('good', false);
    world.reboot();
    world.powerCut();
    assert.is(world.running, loader === 'grub' ? 'B' : 'A');
    world.powerCut();
    assert.is(world.running, 'A');
    assert.is(world.standing, 'stable');
    world.end();
  }
});

test.run();

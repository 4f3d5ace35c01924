/**
 * A node's life at random: releases good and bad, pins, blocks, rollbacks, power cuts and refusals of the disk at any
 * change, lost connections. After every step the invariants of SPEC.md hold.
 */

import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { NodeReport } from '../../../../ota/protocol/report.ts';
import { DeliveryError } from '../../../../runtime/core/errors.ts';
import { CrashFs } from '../../../support/crash-fs.ts';
import { pseudoRandom } from '../../../support/ota/pseudo-random.ts';
import {
  type Behaviour,
  makeBundle,
  Rig,
  type RigBundle,
  RigClock,
  RigHub,
} from '../../../support/ota/update-rig.ts';

const MOST_RELEASES = 6;
const bundles: RigBundle[] = Array.from({ length: MOST_RELEASES }, (_, i) =>
  makeBundle(i + 1, {
    attempts: 2,
    files: { model: Buffer.alloc(70_000, i + 1), labels: Buffer.from('one\ntwo\n') },
  }),
);

const kinds = fc.constantFrom<Behaviour>(
  {},
  {},
  {},
  { load: 'throws' },
  { selftest: 'throws' },
  { selftest: 'fails-once' },
  { measures: { errors: 90 } },
  { measures: { inferences: 0 } },
);

type Step =
  | { readonly do: 'assign'; readonly release: number }
  | {
      readonly do: 'update' | 'check' | 'ticks' | 'stop' | 'kill' | 'roll-back' | 'pin' | 'unpin' | 'unblock';
    }
  | { readonly do: 'cut'; readonly at: number; readonly seed: number }
  | { readonly do: 'refuse'; readonly at: number; readonly errno: string; readonly for: number }
  | { readonly do: 'lose'; readonly after: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('assign' as const), release: fc.integer({ min: 1, max: 6 }) }),
  },
  { weight: 6, arbitrary: fc.constantFrom('update', 'check', 'ticks').map((name) => ({ do: name }) as Step) },
  {
    weight: 3,
    arbitrary: fc
      .constantFrom('stop', 'kill', 'roll-back', 'pin', 'unpin', 'unblock')
      .map((name) => ({ do: name }) as Step),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('cut' as const),
      at: fc.nat(70),
      seed: fc.integer({ min: 1, max: 1e6 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('refuse' as const),
      at: fc.nat(70),
      errno: fc.constantFrom('ENOSPC', 'EIO', 'EROFS'),
      for: fc.integer({ min: 1, max: 5 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('lose' as const), after: fc.nat(4) }) },
);

class Life {
  readonly hub = new RigHub();
  readonly behaviour: Map<number, Behaviour>;
  rig: Rig;
  #told: NodeReport | undefined;
  #everActive = false;
  #unblocked = new Set<string>();

  constructor(behaviour: Map<number, Behaviour>) {
    this.behaviour = behaviour;
    this.hub.add(...bundles);
    this.hub.assign([{ release: 1 }]);
    const fs = new CrashFs();
    fs.makeDirectory('/data');
    this.rig = new Rig(
      fs.afterCut(() => true),
      this.hub,
      { behaviour },
    );
  }

  async take(next: Step): Promise<void> {
    const { rig, hub } = this;
    const { updater } = rig;
    switch (next.do) {
      case 'assign':
        return hub.assign([{ release: next.release }]);
      case 'update':
        return quietly(() => rig.update());
      case 'check':
        return quietly(() => updater.check());
      case 'ticks':
        return quietly(() => rig.runTrial(4));
      case 'roll-back':
        return quietly(() => updater.rollBack('score', 'at random'));
      case 'pin':
      case 'unpin':
        return quietly(() => updater.pin('score', next.do === 'pin'));
      case 'unblock':
        for (const digest of rig.model?.blocked ?? []) {
          this.#unblocked.add(digest);
          await quietly(() => updater.unblock('score', digest));
        }
        return;
      case 'stop':
        await updater.stop();
        return this.again(() => true);
      case 'kill':
        rig.fs.isCut = true;
        await updater.stop();
        return this.again(() => true);
      case 'cut':
        return this.#faulty((change) => (change >= next.at ? 'cut' : undefined), next.seed);
      case 'refuse':
        return this.#faulty((change) =>
          change >= next.at && change < next.at + next.for ? next.errno : undefined,
        );
      case 'lose': {
        let left = next.after;
        const { tamper } = hub;
        hub.tamper = (_sink, _index, bytes) => {
          if (left-- > 0) return bytes;
          throw new DeliveryError('ota-transport', 'the link is gone', { retryable: true });
        };
        await quietly(() => rig.update());
        hub.tamper = tamper;
      }
    }
  }

  /** Switched on again, on what the disk kept. */
  async again(keeps: () => boolean): Promise<void> {
    const clock = new RigClock();
    clock.wallMs = this.rig.clock.wallMs;
    this.rig = new Rig(this.rig.fs.afterCut(keeps), this.hub, { behaviour: this.behaviour, clock });
    await this.rig.updater.start();
  }

  async #faulty(fault: (change: number) => string | undefined, seed = 1): Promise<void> {
    const { fs } = this.rig;
    const from = fs.changes;
    fs.fault = (change) => fault(change - from);
    await quietly(() => this.rig.update());
    fs.fault = () => undefined;
    if (!fs.isCut) return;
    await quietly(() => this.rig.updater.stop());
    const random = pseudoRandom(seed);
    await this.again(() => random() < 0.5);
  }

  check(): void {
    const { rig, behaviour } = this;
    const model = rig.model;
    assert.equal(rig.host.violations, [], 'I-1, I-2: only whole files are tested or served');
    for (const report of [...rig.reports.splice(0)]) {
      assert.ok(report.counter > (this.#told?.counter ?? -1), 'I-13: the counter rises');
      this.#told = report;
    }
    if (!model) return;
    const told = this.#told?.models[0];
    if (told) {
      assert.ok(model.floor >= told.floor, 'I-5: the floor never falls');
      const lost = told.blocked.filter(
        (digest) => !model.blocked.includes(digest) && !this.#unblocked.has(digest),
      );
      const floorOf = (digest: string) => bundles.findIndex((one) => one.digest === digest) + 1;
      assert.ok(
        lost.every((digest) => floorOf(digest) < model.floor),
        'I-13: what was blocked stays so',
      );
    }
    this.#everActive ||= model.active !== null;
    if (this.#everActive) {
      assert.ok(model.active, 'a release stays active');
      const canServe = [model.active, model.previous].some(
        (one) => one && behaviour.get(one.release)?.load !== 'throws',
      );
      assert.ok(rig.host.serving || !canServe, 'I-12: something verified serves');
    }
    const serving = rig.host.serving?.digest;
    const allowed = [model.active, model.previous, model.trial].map((one) => one?.digest);
    assert.ok(serving === undefined || allowed.includes(serving), 'nothing else serves');
    if (model.trial) assert.ok(model.trial.attemptsLeft <= 1, 'I-4: an attempt is counted before it begins');
    if (model.active) assert.ok(model.floor >= model.active.release, 'I-5: what is active was committed');
  }
}

async function quietly(work: () => Promise<unknown>): Promise<void> {
  await work().catch(() => {});
}

test('after any sequence of releases, commands, power cuts and faults the invariants hold', async () => {
  const lives = fc.record({
    behaviours: fc.array(kinds, { minLength: MOST_RELEASES - 1, maxLength: MOST_RELEASES - 1 }),
    steps: fc.array(step, { minLength: 3, maxLength: 14 }),
  });
  let taken = 0;
  await fc.assert(
    fc.asyncProperty(lives, async ({ behaviours, steps }) => {
      const life = new Life(new Map(behaviours.map((behaviour, i) => [i + 2, behaviour])));
      await life.rig.updater.start();
      try {
        for (const next of steps) {
          await life.take(next);
          life.check();
          taken += 1;
        }
      } finally {
        await quietly(() => life.rig.updater.stop());
      }
    }),
    { numRuns: Number(process.env.LIVES ?? 60) },
  );
  console.log(`${taken} steps`);
});

test('every life comes to good in the end: a good release is assigned, and it is committed', async () => {
  const lives = fc.array(step, { minLength: 2, maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(lives, async (steps) => {
      const life = new Life(new Map([[3, { measures: { errors: 90 } }]]));
      await life.rig.updater.start();
      for (const next of steps) await life.take(next);
      const last = makeBundle(7, { files: { model: Buffer.alloc(70_000, 9) } });
      life.hub.add(last);
      life.hub.assign([{ release: 7 }]);
      await life.rig.updater.pin('score', false);
      await life.rig.runTrial(15);
      await life.rig.update();
      await life.rig.update();
      assert.equal([life.rig.model?.active?.release, life.rig.host.serving?.release], [7, 7]);
      await life.rig.updater.stop();
    }),
    { numRuns: Number(process.env.LIVES ?? 60) / 2 },
  );
});

test.run();

/** Rollouts: waves, what holds them up and what ends them, on the disk and at the nodes; and whose reports are believed. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { assignedTo, placeOf } from '../../../ota/bundle/wave.ts';
import type { NodeReport } from '../../../ota/protocol/report.ts';
import { FleetBook } from '../../../ota/publish/fleet/fleet-book.ts';
import { assignmentOf } from '../../../ota/publish/repository/add.ts';
import { verifyTree } from '../../../ota/publish/repository/verify.ts';
import { abortRollout, setPaused, startRollout, stepRollout } from '../../../ota/publish/rollout/drive.ts';
import { countWave, decide } from '../../../ota/publish/rollout/plan.ts';
import {
  checkRules,
  DEFAULT_RULES,
  exponentialWaves,
  loadRollout,
  type Rollout,
} from '../../../ota/publish/rollout/rollout.ts';
import { epochMillis } from '../../../runtime/core/units.ts';
import { fakeNode, modelOf, reportOf, signedReport } from '../../support/node-reports.ts';
import { TestRepository } from '../../support/ota-repository.ts';
import { rejection, thrown } from '../../support/thrown.ts';

const MINUTE = 60_000;
const repositories: TestRepository[] = [];
test.after(() => {
  for (const one of repositories) one.remove();
});

async function fleetOf(count: number) {
  const repository = await TestRepository.make();
  repositories.push(repository);
  const first = await repository.add({ release: 1 });
  const second = await repository.add({ release: 2 });
  repository.assign('default', [{ release: 1 }]);
  await repository.publish();
  const publisher = {
    folder: repository.folder,
    signers: repository.onlineSigners,
    now: () => repository.now,
  };
  const nodes = Array.from({ length: count }, (_, at) => fakeNode(`node-${at}`));
  const old = { release: 1, digest: first.digest };
  const next = { release: 2, digest: second.digest };
  /** Every node of the wave does what `outcome` says. */
  const reports = (outcome: 'active' | 'trial' | 'refused' | 'nothing'): NodeReport[] => {
    const assignment = assignmentOf(repository.folder, 'default');
    return nodes.map((node) => {
      const [chosen] = assignedTo(assignment, node.node);
      const tried = chosen?.release === 2 && outcome !== 'nothing';
      const model = modelOf('score', {
        active: tried && outcome === 'active' ? next : old,
        ...(tried && outcome === 'trial' && { trial: { ...next, attemptsLeft: 2 } }),
        ...(tried &&
          outcome === 'refused' && { refused: { ...next, code: 'selftest-failed', reason: 'wrong output' } }),
      });
      return reportOf(node, 1, { models: [model] });
    });
  };
  const start = (more: object = {}) =>
    startRollout(repository.folder, {
      ...{ group: 'default', name: 'score', release: 2, offlineOk: false },
      rules: { ...DEFAULT_RULES, waves: [10, 50, 100] },
      ...more,
    });
  const later = (minutes: number) => {
    repository.now = epochMillis(repository.now + minutes * MINUTE);
  };
  return { repository, publisher, nodes, reports, start, later, next };
}

test('wave by wave, each watched for its time and ready before the next, to the end', async () => {
  const { repository, publisher, nodes, reports, start, later } = await fleetOf(40);
  const { id } = await start();
  const step = async (outcome: Parameters<typeof reports>[0]) => stepRollout(publisher, id, reports(outcome));
  const percentNow = () =>
    assignmentOf(repository.folder, 'default').releases.find(({ release }) => release === 2)?.percent;

  assert.equal((await step('nothing')).decision, { do: 'advance', wave: 0 });
  assert.is(percentNow(), 10);
  const early = await step('active');
  assert.is(early.decision.do, 'wait');
  assert.is(early.count.nodes, nodes.filter(({ node }) => placeOf(node, 'score', 2) < 10).length);
  later(11);
  const unready = await step('trial');
  assert.match(
    unready.decision.do === 'wait' ? unready.decision.why : '',
    /0 of \d+ nodes of this wave run it/,
  );
  assert.is((await step('active')).decision.do, 'advance');
  assert.is(percentNow(), 50);
  later(11);
  assert.is((await step('active')).decision.do, 'advance');
  assert.equal(
    assignmentOf(repository.folder, 'default').releases.map(({ release, percent }) => [release, percent]),
    [[2, 100]],
  );
  later(11);
  const last = await step('active');
  assert.equal([last.decision.do, last.rollout.state, last.count.done.length], ['finish', 'done', 40]);
  assert.is((await step('active')).decision.do, 'wait');
  await verifyTree({ directory: repository.public, now: repository.now });
});

test('too many failures take the release back and block it: other nodes never see it', async () => {
  const { repository, publisher, reports, start, later, next } = await fleetOf(40);
  const { id } = await start();
  await stepRollout(publisher, id, reports('nothing'));
  later(1);
  const { decision, rollout, count } = await stepRollout(publisher, id, reports('refused'));
  assert.is(decision.do, 'abort');
  assert.is(rollout.state, 'aborted');
  assert.match(rollout.reason, /nodes refused it or went back; node-\d+: wrong output/);
  assert.ok(count.failed.every(({ code }) => code === 'selftest-failed'));
  const assignment = assignmentOf(repository.folder, 'default');
  assert.equal(assignment.blocked, [next.digest]);
  assert.equal(
    assignment.releases.map(({ release }) => release),
    [1],
  );
  // Started again, on purpose, it is not blocked any more.
  await start();
  await stepRollout(publisher, id, []);
  assert.equal(assignmentOf(repository.folder, 'default').blocked, []);
});

test('paused it waits, resumed it goes on, aborted by hand it is over; one at a time for a name and group', async () => {
  const { repository, publisher, reports, start, later } = await fleetOf(5);
  const { folder } = repository;
  const { id } = await start();
  assert.is((await rejection(start())).code, 'ota-rollout-state');
  await setPaused(folder, id, true);
  later(100);
  assert.equal((await stepRollout(publisher, id, reports('nothing'))).decision, {
    do: 'wait',
    why: 'it is paused',
  });
  await setPaused(folder, id, false);
  assert.is((await stepRollout(publisher, id, reports('nothing'))).decision.do, 'advance');
  await abortRollout(publisher, id, 'it smells');
  assert.equal([loadRollout(folder, id).state, loadRollout(folder, id).reason], ['aborted', 'it smells']);
  assert.is((await rejection(setPaused(folder, id, true))).code, 'ota-rollout-state');
  assert.is(thrown(() => loadRollout(folder, 'other')).code, 'ota-rollout-missing');
});

test('it begins no earlier than it was told, and only with a bundle that there is', async () => {
  const { repository, publisher, start, later } = await fleetOf(1);
  const notBefore = epochMillis(repository.now + 60 * MINUTE);
  const { id } = await start({ notBefore });
  assert.equal((await stepRollout(publisher, id, [])).decision, { do: 'wait', why: 'it begins later' });
  later(60);
  assert.is((await stepRollout(publisher, id, [])).decision.do, 'advance');
  assert.is((await rejection(start({ name: 'other' }))).code, 'ota-missing');
});

test('silence is no evidence: without any report of the group no wave follows', async () => {
  const { publisher, start, later } = await fleetOf(1);
  const { id } = await start();
  await stepRollout(publisher, id, []);
  later(1000);
  const { decision } = await stepRollout(publisher, id, []);
  assert.equal(decision, { do: 'wait', why: 'no node of the group has reported' });
});

test('without the key of deploy nothing changes: neither the rollout nor what is public', async () => {
  const { repository, publisher, start } = await fleetOf(1);
  const { id } = await start();
  const poor = { ...publisher, signers: [...repository.keys.snapshot, ...repository.keys.timestamp] };
  assert.is((await rejection(stepRollout(poor, id, []))).code, 'ota-threshold');
  assert.is(loadRollout(repository.folder, id).wave, -1);
  assert.is((await stepRollout(publisher, id, [])).decision.do, 'advance');
});

test('waves rise to 100', () => {
  assert.equal(exponentialWaves(5, 2), [5, 10, 20, 40, 80, 100]);
  assert.equal(exponentialWaves(100, 2), [100]);
  assert.equal(exponentialWaves(0.1, 10), [0.1, 1, 10, 100]);
  for (const waves of [[], [50], [0, 100], [50, 50, 100], [50, 20, 100], [100, 110], [Number.NaN, 100]])
    assert.is(thrown(() => checkRules({ ...DEFAULT_RULES, waves })).code, 'ota-rollout-rules', waves.join());
});

test('property: no reports whatever make a wave go back, jump, or end before it is 100 percent', () => {
  const base: Omit<Rollout, 'state' | 'wave'> = {
    v: 1,
    ...{ id: 'g.score.2', group: 'g', name: 'score', release: 2, digest: 'ab'.repeat(32), offlineOk: false },
    ...{ rules: DEFAULT_RULES, notBefore: epochMillis(0), waveSince: epochMillis(0), reason: '' },
  };
  const counts = fc.record({ done: fc.nat(20), trial: fc.nat(20), failed: fc.nat(20), waiting: fc.nat(20) });
  fc.assert(
    fc.property(counts, fc.integer({ min: -1, max: 5 }), fc.nat(60), (sizes, wave, minutes) => {
      const names = (count: number) => Array.from({ length: count }, (_, at) => `n${at}`);
      const { done, trial, failed, waiting } = sizes;
      const count = {
        ...{
          group: 100,
          nodes: done + trial + failed + waiting,
          done: names(done),
          trial: names(trial),
          waiting: names(waiting),
        },
        failed: names(failed).map((node) => ({ node, code: 'x', reason: 'y' })),
      };
      const decision = decide({ ...base, state: 'running', wave }, count, minutes * MINUTE);
      const share = failed / Math.max(1, done + failed);
      assert.is(decision.do === 'abort', share > 0.2);
      if (decision.do === 'advance') assert.is(decision.wave, wave + 1);
      if (decision.do === 'finish') assert.is(wave, 5);
      if (decision.do === 'advance' || decision.do === 'finish') assert.ok(wave < 0 || minutes >= 10);
    }),
  );
  assert.is(countWave({ ...base, state: 'running', wave: 5 }, [reportOf(fakeNode('a'), 1)]).nodes, 0);
});

test('reports: unsigned, misplaced, of another key and replayed ones are told apart and not believed', () => {
  const book = new FleetBook();
  const [one, thief] = [fakeNode('one'), fakeNode('one')];
  const doubts = () => book.nodes.find(({ node }) => node === 'one')?.doubts;
  book.take('one', signedReport(one, 5));
  book.take('one', signedReport(one, 5));
  assert.equal([doubts(), book.reports.length], [[], 1]);
  book.take('one', signedReport(one, 4, { runtime: '0.1.0' }));
  assert.equal([doubts(), book.reports[0]?.runtime], [['replayed'], '0.4.0']);
  book.take('one', signedReport(thief, 99, { runtime: '0.1.0' }));
  book.take('one', signedReport(fakeNode('two'), 1));
  book.take('one', Buffer.from('{}'));
  assert.equal(
    [doubts(), book.reports[0]?.runtime],
    [['replayed', 'other-key', 'misplaced', 'unsigned'], '0.4.0'],
  );
  book.take('three', Buffer.from('junk'));
  assert.equal(
    book.nodes.map(({ node }) => node),
    ['one', 'three'],
  );
  book.take('three', new Uint8Array());
  assert.equal(book.nodes.length, 1);
});

test('whom to believe outlives the command; a node that was set up anew is forgotten by hand', () => {
  const folder = mkdtempSync(join(tmpdir(), 'vigie-fleet-'));
  const path = join(folder, 'fleet.json');
  const [before, after] = [fakeNode('one'), fakeNode('one')];
  const book = FleetBook.load(path);
  book.take('one', signedReport(before, 7));
  book.save(path);
  const next = FleetBook.load(path);
  next.take('one', signedReport(before, 6));
  next.take('one', signedReport(after, 100));
  assert.equal([next.reports.length, next.nodes[0]?.doubts], [0, ['replayed', 'other-key']]);
  assert.ok(next.forget('one'));
  next.take('one', signedReport(after, 100));
  assert.is(next.reports.length, 1);
  writeFileSync(path, '{"v":1,"nodes":{"one":{}}}');
  assert.is(thrown(() => FleetBook.load(path)).code, 'ota-fleet-invalid');
  rmSync(folder, { recursive: true });
});

test.run();

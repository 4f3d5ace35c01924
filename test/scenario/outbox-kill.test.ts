/** kill -9 at 200 random moments under load: every accepted record was delivered or is in the database. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { packageRoot } from '../../runtime/core/paths.ts';
import { startOutbox, takeAll, temporaryDirectory, until } from '../sinks/outbox/support/harness.ts';

const KILLS = 200;
/** Two at once, each on a directory of its own: starting a process is what takes the time. */
const LANES = 2;
const CHECK_EVERY = 25;

const child = join(packageRoot, 'test/sinks/outbox/support/kill-child.ts');

interface Ledger {
  /** `BOOT SEQ`. */
  readonly accepted: Set<string>;
  readonly delivered: Set<string>;
  /** In the order of their starts. */
  readonly boots: string[];
}

/** Runs the child until its first report and a random while longer. */
async function runAndKill(directory: string, ledger: Ledger, random: () => number): Promise<void> {
  const node = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', child, directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  node.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk;
  });
  await once(node.stdout, 'data');
  await new Promise((resolve) => setTimeout(resolve, random() * 60));
  node.kill('SIGKILL');
  await once(node, 'close');
  // What was written last may be half a line.
  for (const line of output.split('\n').slice(0, -1)) {
    const [what, boot, seq] = line.split(' ') as [string, string, string];
    (what === 'a' ? ledger.accepted : ledger.delivered).add(`${boot} ${seq}`);
    if (what === 'a' && !ledger.boots.includes(boot)) ledger.boots.push(boot);
  }
}

async function verify(directory: string, ledger: Ledger): Promise<void> {
  const { outbox, lines } = await startOutbox(directory, 64 * 1024 * 1024);
  await until('the outbox is open', () => outbox.health().state !== 'starting');
  const records = await takeAll(outbox);
  await outbox.stop();
  assert.equal(
    lines.filter(({ level }) => level === 'error'),
    [],
  );
  const present = records.map(({ bootId, seq }) => `${bootId} ${seq}`);
  assert.is(new Set(present).size, present.length, 'no record twice');
  const lost = [...ledger.accepted].filter((key) => !ledger.delivered.has(key) && !present.includes(key));
  assert.equal(lost, [], 'accepted, not delivered, not in the database');
  for (const name of ['event', 'health', 'reading']) {
    const mine = records.filter((record) => record.class === name && ledger.boots.includes(record.bootId));
    const places = mine.map(({ bootId, seq }) => ledger.boots.indexOf(bootId) * 1e6 + seq);
    assert.equal(
      places,
      [...places].sort((a, b) => a - b),
      `${name}s are in the order of acceptance`,
    );
  }
}

test(`${KILLS} kills under load lose nothing that was accepted`, async () => {
  let state = 20_240_521;
  const random = () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return state / 0x7fffffff;
  };
  let accepted = 0;
  const lane = async () => {
    const directory = temporaryDirectory();
    const ledger: Ledger = { accepted: new Set(), delivered: new Set(), boots: [] };
    for (let kill = 1; kill <= KILLS / LANES; kill++) {
      await runAndKill(directory.path, ledger, random);
      if (kill % CHECK_EVERY === 0) await verify(directory.path, ledger);
    }
    accepted += ledger.accepted.size;
    directory.remove();
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  assert.ok(accepted > 10 * KILLS, `${accepted} records were accepted in all`);
});

test.run();

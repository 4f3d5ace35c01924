/**
 * A configuration that came with an assignment, from its trial to its commit or its end: the record of the update client,
 * the host of the node and the folder on the disk as they are; time and the health of components are the test's.
 */

import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { BlobSource } from '../../ota/client/blob-source.ts';
import { ConfigurationTrial } from '../../ota/client/machine/configuration.ts';
import { UpdateStore } from '../../ota/client/store/update-store.ts';
import { PushedConfiguration } from '../../runtime/config/pushed/pushed.ts';
import type { Health } from '../../runtime/core/component.ts';
import { nodeFileSystem } from '../../runtime/core/file-system.ts';
import { configurationHost } from '../../runtime/updates/configuration-host.ts';
import { QUIET, RigClock } from '../support/ota/update-rig.ts';

const OWN = 'node: { site: north, name: pumps }\nlog: { level: info }\n';
const level = (name: string) => `log: { level: ${name} }\n`;

const test = suite('pushed configuration', { folder: '' });
test.before.each((context) => {
  context.folder = mkdtempSync(join(tmpdir(), 'vigie-pushed-'));
  writeFileSync(join(context.folder, 'vigie.yaml'), OWN);
});
test.after.each(({ folder }) => rmSync(folder, { recursive: true, force: true }));

/** The parts of one start of the process. */
class Start {
  readonly clock: RigClock;
  readonly pushed: PushedConfiguration;
  readonly trial: ConfigurationTrial;
  readonly store: UpdateStore;
  /** What the node runs on. */
  readonly text: string;
  restarts = 0;
  components: Record<string, Health> = { mqtt: { state: 'ok', detail: '' } };

  private constructor(folder: string, store: UpdateStore, clock: RigClock) {
    this.clock = clock;
    this.store = store;
    this.pushed = new PushedConfiguration(join(folder, 'vigie.yaml'), join(folder, 'data'));
    this.text = readFileSync(this.pushed.begin().file, 'utf8');
    const host = configurationHost({
      pushed: this.pushed,
      components: () => this.components,
      restart: () => {
        this.restarts += 1;
      },
      clock,
      log: QUIET,
    });
    this.trial = new ConfigurationTrial({ store, host, clock, log: QUIET, onChange: () => {} });
  }

  static async begin(folder: string, clock = new RigClock()): Promise<Start> {
    const store = await UpdateStore.open(nodeFileSystem, join(folder, 'data', 'ota'));
    const start = new Start(folder, store, clock);
    await start.trial.resume();
    return start;
  }

  get level(): string | undefined {
    return /level: (\w+)/.exec(this.text)?.[1];
  }

  async assign(text: string): Promise<void> {
    const bytes = Buffer.from(text);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const source: BlobSource = { fetch: async (sink) => void (await sink.write(0, bytes)) };
    const { signal } = new AbortController();
    await this.trial.assign({ sha256, length: bytes.length }, source, signal);
  }

  async pass(seconds: number): Promise<void> {
    for (let second = 0; second < seconds; second++) {
      this.clock.pass(1000);
      await this.trial.tick();
    }
  }

  /** As the node ends by itself, and starts again in the same process. */
  async again(folder: string): Promise<Start> {
    this.trial.stop();
    await this.store.close();
    return Start.begin(folder, this.clock);
  }

  /** Without a word. */
  async killed(folder: string): Promise<Start> {
    await this.store.close();
    return Start.begin(folder, this.clock);
  }
}

async function onPushed(folder: string, text: string): Promise<Start> {
  const first = await Start.begin(folder);
  await first.assign(text);
  assert.is(first.restarts, 1, 'the node starts again on it');
  return first.again(folder);
}

async function committed(folder: string, text: string): Promise<Start> {
  const start = await onPushed(folder, text);
  await start.pass(61);
  assert.ok(start.trial.active, 'committed');
  return start;
}

test('it is committed after a minute of health, no second earlier, and outlasts every start after it', async ({
  folder,
}) => {
  let start = await onPushed(folder, level('debug'));
  assert.is(start.level, 'debug');
  await start.pass(59);
  assert.equal([start.trial.active, start.pushed.onTrial], [null, true]);
  await start.pass(1);
  assert.match(start.trial.active ?? '', /^[0-9a-f]{64}$/);
  assert.is(start.pushed.onTrial, false);
  for (let kill = 0; kill < 5; kill++) start = await start.killed(folder);
  assert.equal([start.level, start.restarts], ['debug', 0]);
  await start.store.close();
});

test('a minute begins anew with each start of the node', async ({ folder }) => {
  let start = await onPushed(folder, level('debug'));
  await start.pass(50);
  start = await start.again(folder);
  await start.pass(50);
  assert.is(start.trial.active, null);
  await start.pass(10);
  assert.ok(start.trial.active);
  await start.store.close();
});

for (const [what, components, seconds] of [
  ['failed at once', { mqtt: { state: 'failed', detail: 'no such host' } }, 1],
  ['still not well after it had time to come up', { mqtt: { state: 'degraded', detail: 'refused' } }, 16],
] as const) {
  test(`a component that was well before and ${what}: the node's own file runs again, untouched`, async ({
    folder,
  }) => {
    let start = await onPushed(folder, level('debug'));
    start.components = components;
    await start.pass(seconds - 1);
    assert.is(start.restarts, 0);
    await start.pass(1);
    assert.is(start.restarts, 1);
    start = await start.again(folder);
    assert.equal([start.text, start.trial.active], [OWN, null]);
    await start.assign(level('debug'));
    assert.is(start.restarts, 0, 'it is not taken again');
    await start.assign(level('warn'));
    assert.is(start.restarts, 1, 'another one is');
    await start.store.close();
  });
}

test('after a good one, a bad one gives way to that, not to the node of old', async ({ folder }) => {
  let start = await committed(folder, level('debug'));
  const good = start.trial.active;
  const kept = start.text;
  await start.assign(level('warn'));
  start = await start.again(folder);
  assert.is(start.level, 'warn');
  start.components = { mqtt: { state: 'failed', detail: 'gone' } };
  await start.pass(1);
  start = await start.again(folder);
  assert.equal([start.text, start.trial.active], [kept, good]);
  for (let kill = 0; kill < 4; kill++) start = await start.killed(folder);
  assert.is(start.text, kept, 'for good');
  assert.is(readFileSync(join(folder, 'vigie.yaml'), 'utf8'), OWN);
  await start.store.close();
});

test('three starts that do not last bring back what ran before, and the fourth says why', async ({
  folder,
}) => {
  let start = await onPushed(folder, level('debug'));
  for (let count = 1; count < 3; count++) {
    assert.is(start.level, 'debug', `start ${count}`);
    start = await start.killed(folder);
  }
  assert.is(start.level, 'debug');
  start = await start.killed(folder);
  assert.is(start.text, OWN);
  assert.match(start.pushed.wentBack ?? '', /did not stay up in 3 starts/);
  await start.pass(61);
  assert.equal([start.trial.active, start.restarts], [null, 0]);
  await start.assign(level('debug'));
  assert.is(start.restarts, 0, 'blocked');
  await start.store.close();
});

test('one that cannot run changes nothing, and its problems are named', async ({ folder }) => {
  const start = await committed(folder, level('debug'));
  await start.assign('log: { level: loud }\n');
  assert.is(start.restarts, 0);
  const again = await start.again(folder);
  assert.is(again.level, 'debug');
  await again.store.close();
});

test('what the disk lost of it leaves the node on its own file', async ({ folder }) => {
  const start = await committed(folder, level('debug'));
  writeFileSync(join(folder, 'data/pushed/state.json'), '{"startsLeft"');
  const again = await start.killed(folder);
  assert.is(again.text, OWN);
  await again.store.close();
});

test.run();

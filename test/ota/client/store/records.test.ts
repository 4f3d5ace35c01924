import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readEvidence } from '../../../../ota/client/clock/update-clock.ts';
import { readConfigurationRecord } from '../../../../ota/client/machine/configuration.ts';
import { readModelRecord } from '../../../../ota/client/machine/read-record.ts';
import { emptyRecord, type ModelRecord } from '../../../../ota/client/machine/record.ts';
import { readRecord, writeRecord } from '../../../../ota/client/store/record-file.ts';
import { TrustFiles } from '../../../../ota/client/store/trust-files.ts';
import { UpdateStore } from '../../../../ota/client/store/update-store.ts';
import type { JsonValue } from '../../../../ota/client/tuf/strict-json.ts';
import { decodeReport } from '../../../../ota/protocol/report.ts';
import { VigieError } from '../../../../runtime/core/errors.ts';
import { CrashFs } from '../../../support/crash-fs.ts';
import { makeBundle, Rig, RigHub, STORE, sha } from '../../../support/ota/update-rig.ts';

const RECORD = `${STORE}/models/score.json`;
const COPY = `${STORE}/committed/score.json`;
const digest = sha(Buffer.from('x'));
const full: ModelRecord = {
  ...emptyRecord('score'),
  active: { release: 2, digest },
  target: { release: 3, digest, step: 'VERIFY', verifies: 1, offlineOk: true, window: { from: 22.5, to: 4 } },
  trial: {
    ...{ release: 3, digest, attempt: 1, attemptsLeft: 2 },
    reference: { scores: { bounds: [-1.5, 0, 2e-7], below: [0, 0.5, 1], upTo: [0, 0.75, 1] } },
  },
  floor: { release: 2, digest },
  blocked: [{ release: 1, digest }],
  refused: { release: 1, digest, code: 'ota-unhealthy', reason: 'too slow – „é"\\' },
};
const parse = (json: Parameters<typeof readModelRecord>[0]) => readModelRecord(json, 'score');

function diskWith(path: string, bytes: Uint8Array): CrashFs {
  const fs = new CrashFs();
  fs.makeDirectory(`${STORE}/models`);
  fs.poke(path, bytes);
  return fs;
}

function encoded(): Uint8Array {
  const fs = diskWith('/data/none', new Uint8Array(0));
  writeRecord(fs, RECORD, full as unknown as JsonValue);
  return fs.peek(RECORD)!;
}

test('a record is read back as it was written', () => {
  const read = readRecord(diskWith(RECORD, encoded()), RECORD, parse);
  assert.equal(read, { state: 'ok', value: full });
});

test('a record with any byte changed, any end cut off or any noise in its place is damaged, and nothing is thrown', () => {
  const bytes = encoded();
  const damaged = (content: Uint8Array) =>
    readRecord(diskWith(RECORD, content), RECORD, parse).state === 'damaged';
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const changed = bytes.slice();
      changed[at]! ^= flip;
      return damaged(changed);
    }),
    { numRuns: 1000 },
  );
  for (let length = 0; length < bytes.length; length += 7) assert.ok(damaged(bytes.subarray(0, length)));
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), damaged), { numRuns: 1000 });
  assert.ok(damaged(Buffer.concat([bytes, Buffer.alloc(70_000)])));
});

test('records with a right checksum and any shape are either the record or ota-malformed', () => {
  const readers = [parse, readEvidence, readConfigurationRecord];
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom(...Object.keys(full)), (value, key) => {
      for (const read of readers) {
        try {
          read({ ...full, [key]: value } as never);
        } catch (error) {
          assert.ok(error instanceof VigieError && error.code === 'ota-malformed', String(error));
        }
      }
    }),
    { numRuns: 3000 },
  );
});

test('what is no report is none, whatever the bytes', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => decodeReport(bytes) === undefined));
  fc.assert(
    fc.property(fc.jsonValue(), (value) => decodeReport(Buffer.from(JSON.stringify(value))) === undefined),
  );
});

test('names of metadata files stay in their folder', () => {
  const trust = new TrustFiles(new CrashFs(), `${STORE}/metadata`);
  for (const name of ['../clock.json', 'a/b.json', '', '.', '..', '\0', 'x'.repeat(300)]) {
    assert.throws(() => trust.write(name, new Uint8Array(1)), /cannot be the name/);
  }
});

test('case 35: of two updaters on one store the second is refused, until the first has ended', async () => {
  const fs = new CrashFs();
  const first = await UpdateStore.open(fs, `${STORE}-two`);
  const error = await UpdateStore.open(fs, `${STORE}-two`).catch((reason) => reason);
  assert.equal([error.code, error.retryable], ['ota-store-busy', true]);
  await first.close();
  await (await UpdateStore.open(fs, `${STORE}-two`)).close();
});

/** A node that committed releases 1 and 2, switched off. */
async function settled(): Promise<{ hub: RigHub; disk: CrashFs }> {
  const hub = new RigHub();
  hub.add(makeBundle(1), makeBundle(2));
  const fs = new CrashFs();
  fs.makeDirectory('/data');
  const rig = new Rig(fs, hub);
  hub.assign([{ release: 1 }]);
  await rig.updater.start();
  await rig.update();
  hub.assign([{ release: 2 }]);
  await rig.update();
  await rig.updater.stop();
  return { hub, disk: rig.fs.afterCut(() => true) };
}

test('case 47: a torn record is taken from its copy, floor and blocks as they were', async () => {
  for (const torn of [new Uint8Array(0), Buffer.from('{"check":"'), undefined]) {
    const { hub, disk } = await settled();
    if (torn) disk.poke(RECORD, torn);
    else disk.remove(RECORD);
    const rig = new Rig(disk, hub);
    await rig.updater.start();
    assert.equal([rig.host.serving?.release, rig.model?.floor, rig.model?.previous?.release], [2, 2, 1]);
    hub.assign([{ release: 1 }]);
    const { models } = await rig.updater.check();
    assert.is(models[0]?.result === 'refused' && models[0].code, 'ota-rollback');
    await rig.updater.stop();
  }
});

test('case 47: record and copy torn: the floor is not lowered, and the assigned release comes back', async () => {
  const { hub, disk } = await settled();
  disk.poke(RECORD, Buffer.from('torn'));
  disk.poke(COPY, Buffer.from('torn'));
  const rig = new Rig(disk, hub);
  await rig.updater.start();
  assert.equal([rig.host.serving, rig.model?.floor], [undefined, 2]);
  assert.match(rig.host.idleReason ?? '', /no release/);
  await rig.update();
  assert.equal([rig.host.serving?.release, rig.model?.active?.release], [2, 2]);
  await rig.updater.stop();
});

test('case 47: torn metadata and a torn clock: the node serves, and looks again from the factory root on', async () => {
  for (const file of [
    'root.json',
    'timestamp.json',
    'snapshot.json',
    'targets.json',
    '../clock.json',
    '../node-key',
  ]) {
    const { hub, disk } = await settled();
    disk.poke(new URL(`file://${STORE}/metadata/${file}`).pathname, Buffer.from('{"signatures":[],"sig'));
    hub.add(makeBundle(3));
    hub.assign([{ release: 3 }]);
    const rig = new Rig(disk, hub);
    await rig.updater.start();
    assert.is(rig.host.serving?.release, 2, file);
    await rig.update();
    assert.equal([rig.host.serving?.release, rig.model?.floor], [3, 3], file);
    await rig.updater.stop();
  }
});

test('a damaged file of what serves: the release before serves, and the next check repairs it', async () => {
  const { hub, disk } = await settled();
  const { sha256 } = makeBundle(2).bundle.files[1]!;
  const path = `${STORE}/blobs/${sha256}`;
  const bytes = disk.peek(path)!;
  bytes[70_000]! ^= 1;
  disk.poke(path, bytes);
  const rig = new Rig(disk, hub);
  await rig.updater.start();
  assert.is(rig.host.serving?.release, 1);
  assert.is(rig.updater.health().state, 'degraded');
  await rig.update();
  assert.equal([rig.host.serving?.release, rig.updater.health().state], [2, 'ok']);
  assert.equal(rig.host.violations, []);
  await rig.updater.stop();
});

test.run();

import { join } from 'node:path';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { blobFacts } from '../../../../ota/bundle/block-map.ts';
import { BLOCK_BYTES } from '../../../../ota/client/blob-source.ts';
import { Bitmap, decodeBitmap } from '../../../../ota/client/store/bitmap.ts';
import { BlobStore } from '../../../../ota/client/store/blob-store.ts';
import { MemorySink } from '../../../../ota/client/store/memory-sink.ts';
import { VigieError } from '../../../../runtime/core/errors.ts';
import { CrashFs } from '../../../support/crash-fs.ts';
import { weights } from '../../../support/ota/update-rig.ts';

const NEVER = new AbortController().signal;
const content = weights(3, 5 * BLOCK_BYTES + 77);
const { sha256, length, map } = blobFacts(content);
const blockOf = (index: number) => content.subarray(index * BLOCK_BYTES, (index + 1) * BLOCK_BYTES);
const PART = join('/s/parts', `${sha256}.part`);
const MAP = join('/s/parts', `${sha256}.map`);

function disk(room?: number): CrashFs {
  const fs = new CrashFs(room === undefined ? {} : { room });
  for (const folder of ['/s/blobs', '/s/parts']) fs.makeDirectory(folder);
  return fs.afterCut(() => true, room === undefined ? {} : { room });
}

async function codeOf(work: () => Promise<unknown>): Promise<string> {
  try {
    await work();
  } catch (error) {
    if (error instanceof VigieError) return error.code;
    throw error;
  }
  return 'none';
}

/** A transfer that ended after some blocks, as the next start of the process finds it. */
async function begun(blocks: readonly number[]): Promise<CrashFs> {
  const fs = disk();
  const part = await new BlobStore(fs, '/s').receive(sha256, length, map);
  for (const index of blocks) assert.is(await part.write(index, blockOf(index)), 'written');
  await part.suspend();
  return fs.afterCut(() => false);
}

async function finishOn(fs: CrashFs): Promise<{ written: number; has: boolean }> {
  const store = new BlobStore(fs, '/s');
  const part = await store.receive(sha256, length, map);
  const before = fs.bytesWritten;
  for (let index = 0; index < part.count; index++)
    if (part.wants(index)) await part.write(index, blockOf(index));
  const written = fs.bytesWritten - before;
  await store.finish(part, NEVER);
  return { written, has: await store.isWhole(sha256, length) };
}

test('blocks come in any order and twice; what is wrong is never kept; the file is whole in the end', async () => {
  const orders = fc.shuffledSubarray([0, 1, 2, 3, 4, 5], { minLength: 6 });
  await fc.assert(
    fc.asyncProperty(orders, fc.integer({ min: 0, max: 5 }), async (order, again) => {
      const fs = disk();
      const store = new BlobStore(fs, '/s');
      const part = await store.receive(sha256, length, map);
      for (const index of order) {
        assert.is(await part.write(index, weights(9, blockOf(index).length)), 'bad');
        assert.is(await part.write(index, blockOf(index).subarray(1)), 'bad');
        assert.is(await part.write(index, new Uint8Array(0)), 'bad');
        assert.is(await part.write(index, blockOf(index)), 'written');
      }
      for (const index of [-1, 6, 1.5, Number.NaN]) assert.is(await part.write(index, blockOf(0)), 'bad');
      assert.is(await part.write(again, blockOf(again)), 'already-there');
      assert.is(part.missing, 0);
      await store.finish(part, NEVER);
      assert.ok(await store.isWhole(sha256, length));
      assert.equal(fs.list('/s/parts'), []);
      assert.is(fs.openFiles, 0);
    }),
    { numRuns: 30 },
  );
});

test('case 34: a transfer goes on after a restart with the blocks that are there', async () => {
  const { written, has } = await finishOn(await begun([0, 2, 5]));
  assert.ok(has);
  assert.is(written, 3 * BLOCK_BYTES);
});

test('case 34: a poisoned .part costs the poisoned block and no other', async () => {
  const fs = await begun([0, 1, 2]);
  const bytes = fs.peek(PART)!;
  bytes[BLOCK_BYTES + 5]! ^= 1;
  fs.poke(PART, bytes);
  const { written, has } = await finishOn(fs);
  assert.ok(has);
  assert.is(written, 3 * BLOCK_BYTES + 77);
});

test('case 34: a poisoned map, one of another blob and one longer than the file are no map', async () => {
  const all = new Bitmap(6);
  for (let i = 0; i < 6; i++) all.add(i);
  const longer = new Bitmap(6000);
  for (let i = 0; i < 6000; i++) longer.add(i);
  const torn = all.encode(sha256).slice(0, 20);
  const flipped = all.encode(sha256);
  flipped[40]! ^= 0xff;
  for (const poison of [
    torn,
    flipped,
    longer.encode(sha256),
    all.encode('0'.repeat(64)),
    new Uint8Array(0),
  ]) {
    const fs = await begun([1, 3]);
    fs.poke(MAP, poison);
    const { written, has } = await finishOn(fs);
    assert.ok(has);
    assert.is(written, 3 * BLOCK_BYTES + 77, 'blocks that hash right are believed without a map');
  }
});

test('case 34: a map that claims blocks which never came is not believed', async () => {
  const fs = await begun([1]);
  const all = new Bitmap(6);
  for (let i = 0; i < 6; i++) all.add(i);
  fs.poke(MAP, all.encode(sha256));
  assert.ok((await finishOn(fs)).has);
});

test('case 34: a .part that is longer than the blob is begun anew', async () => {
  const fs = disk();
  fs.poke(PART, new Uint8Array(length + 1));
  assert.ok((await finishOn(fs)).has);
});

test('case 41: a block map of the wrong length is refused before anything is written', async () => {
  const fs = disk();
  for (const wrong of [map.subarray(32), Buffer.concat([map, map]), map.subarray(1), new Uint8Array(0)]) {
    assert.is(
      await codeOf(() => new BlobStore(fs, '/s').receive(sha256, length, wrong)),
      'ota-bad-block-map',
    );
  }
  assert.is(fs.bytesWritten, 0);
});

test('case 41: a block map that contradicts the hash of the file ends in an error, never in a blob', async () => {
  const fs = disk();
  const store = new BlobStore(fs, '/s');
  const part = await store.receive('f'.repeat(64), length, map);
  for (let index = 0; index < part.count; index++) await part.write(index, blockOf(index));
  assert.is(await codeOf(() => store.finish(part, NEVER)), 'ota-mismatch');
  assert.equal([fs.list('/s/blobs'), fs.list('/s/parts')], [[], []]);
});

test('case 44: no room at any change is an error that says so, and the next try with room succeeds', async () => {
  for (let at = 0; at < 24; at++) {
    const fs = disk();
    const start = fs.changes;
    fs.fault = (change) => (change - start === at ? 'ENOSPC' : undefined);
    const code = await codeOf(() => finishOn(fs));
    fs.fault = () => undefined;
    assert.ok(['none', 'ota-disk-full', 'state-write'].includes(code), code);
    const again = fs.afterCut(() => false);
    if (!again.list('/s/blobs').includes(sha256)) await finishOn(again);
    assert.ok(await new BlobStore(again, '/s').isWhole(sha256, length));
  }
});

test('case 44: a disk that is really full gives ota-disk-full and keeps the blocks that came', async () => {
  const fs = disk(3 * BLOCK_BYTES);
  assert.is(await codeOf(() => finishOn(fs)), 'ota-disk-full');
  assert.is(fs.openFiles, 1, 'the sink is for the caller to suspend');
});

test('case 45: a refused fsync is never repeated as if it had worked: the part is given up', async () => {
  for (const errno of ['EIO', 'EROFS']) {
    const fs = disk();
    const store = new BlobStore(fs, '/s');
    const part = await store.receive(sha256, length, map);
    for (let index = 0; index < part.count; index++) await part.write(index, blockOf(index));
    fs.fault = (_change, what) => (what === 'sync' ? errno : undefined);
    assert.is(await codeOf(() => store.finish(part, NEVER)), 'state-write');
    fs.fault = () => undefined;
    assert.is(await codeOf(() => part.write(0, blockOf(0))), 'state-write');
    assert.equal(fs.list('/s/parts'), [], 'no byte of it is believed any more');
    const { written, has } = await finishOn(fs);
    assert.ok(has);
    assert.is(written, length, 'every block was fetched and written anew');
  }
});

test('a disk that gives back other bytes than were written is found out before the blob gets its name', async () => {
  const fs = disk();
  const store = new BlobStore(fs, '/s');
  const part = await store.receive(sha256, length, map);
  for (let index = 0; index < part.count; index++) await part.write(index, blockOf(index));
  const bytes = fs.peek(PART)!;
  bytes[100]! ^= 1;
  fs.poke(PART, bytes);
  assert.is(await codeOf(() => store.finish(part, NEVER)), 'ota-disk-lies');
  assert.equal(fs.list('/s/blobs'), []);
});

test('a long file is written once: all that is written is within 1.1 times its length', async () => {
  const long = weights(5, 300 * BLOCK_BYTES + 9);
  const facts = blobFacts(long);
  const fs = disk();
  const store = new BlobStore(fs, '/s');
  const part = await store.receive(facts.sha256, facts.length, facts.map);
  for (let index = 0; index < part.count; index++) {
    await part.write(index, long.subarray(index * BLOCK_BYTES, (index + 1) * BLOCK_BYTES));
  }
  await store.finish(part, NEVER);
  const ratio = fs.bytesWritten / facts.length;
  assert.ok(ratio >= 1 && ratio < 1.01, `ratio ${ratio}`);
});

test('a small blob without a map is judged when its last block came, and asked for again when it was bad', async () => {
  const sink = new MemorySink(sha256, length);
  for (let index = 0; index < 5; index++) assert.is(await sink.write(index, blockOf(index)), 'written');
  assert.is(await sink.write(5, new Uint8Array(77)), 'bad');
  assert.is(sink.missing, 6);
  for (let index = 0; index < 6; index++) await sink.write(index, blockOf(index));
  assert.ok(Buffer.from(sink.bytes()).equals(content));
  for (const bad of [0, -1, 1.5, 2 ** 60]) assert.throws(() => new MemorySink(sha256, bad), /bytes/);
});

test('what was no bitmap of this blob never becomes one', () => {
  const good = new Bitmap(100);
  for (let i = 0; i < 100; i += 3) good.add(i);
  const bytes = good.encode(sha256);
  assert.is(decodeBitmap(bytes, sha256, 100)?.missing, good.missing);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => decodeBitmap(noise, sha256, 100) === undefined),
    { numRuns: 2000 },
  );
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const changed = bytes.slice();
      changed[at]! ^= flip;
      return decodeBitmap(changed, sha256, 100) === undefined;
    }),
    { numRuns: 2000 },
  );
});

test.run();

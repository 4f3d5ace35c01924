/** A model's file is whole and right, or it is not there: whatever the stream and the disk do. */

import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { storeVerified } from '../../../../runtime/cli/model/fetch/store-verified.ts';
import { nodeFileSystem } from '../../../../runtime/core/file-system.ts';
import { CrashFs, PowerCut } from '../../../support/crash-fs.ts';
import { rejects } from '../../../support/rejects.ts';

const PATH = '/models/a.onnx';
const content = Uint8Array.from({ length: 5000 }, (_, index) => (index * 31) % 251);
const sumOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const expected = { bytes: content.length, sha256: sumOf(content) };

async function* pieces(bytes: Uint8Array, piece = 1024): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += piece) yield bytes.subarray(at, at + piece);
}

/** A disk with the folder; `sync` of a real folder is not wanted. */
function disk(room?: number): CrashFs {
  const fs = new CrashFs(room === undefined ? {} : { room });
  fs.makeDirectory('/models');
  const root = fs.open('/', 'r');
  fs.sync(root);
  fs.close(root);
  fs.changes = 0;
  return fs;
}

test('any cutting into pieces gives the same file', () =>
  fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 3000 }),
      fc.integer({ min: 1, max: 700 }),
      async (bytes, piece) => {
        const fs = disk();
        let seen = 0;
        const onBytes = (done: number) => {
          seen = done;
        };
        const sum = { bytes: bytes.length, sha256: sumOf(bytes) };
        await storeVerified(PATH, sum, pieces(bytes, piece), { fs, onBytes });
        assert.equal([fs.files(), fs.peek(PATH), fs.openFiles, seen], [[PATH], bytes, 0, bytes.length]);
      },
    ),
    { numRuns: 50 },
  ));

const flipped = content.slice();
flipped[4321] = flipped[4321]! ^ 1;
const wrong: [what: string, bytes: Uint8Array, code: string][] = [
  ['one bit flipped', flipped, 'model-checksum'],
  ['one byte missing', content.subarray(1), 'model-cut-short'],
  ['nothing', new Uint8Array(), 'model-cut-short'],
  ['one byte more', Uint8Array.from([...content, 0]), 'model-too-long'],
];
for (const [what, bytes, code] of wrong) {
  test(`${what}: ${code}, nothing is kept, what was there stays`, async () => {
    const fs = disk();
    fs.poke(PATH, Uint8Array.of(1, 2, 3));
    await rejects(storeVerified(PATH, expected, pieces(bytes), { fs }), code);
    assert.equal([fs.files(), fs.peek(PATH), fs.openFiles], [[PATH], Uint8Array.of(1, 2, 3), 0]);
  });
}

test('a stream without end is stopped at the size of the index', async () => {
  const fs = disk();
  let closed = false;
  async function* endless() {
    try {
      for (;;) yield content.subarray(0, 999);
    } finally {
      closed = true;
    }
  }
  await rejects(storeVerified(PATH, expected, endless(), { fs }), 'model-too-long');
  assert.ok(closed);
  assert.ok(fs.bytesWritten <= expected.bytes);
});

test('a full disk: how much is needed, how much is free; nothing is left', async () => {
  const fs = disk(3000);
  const error = await rejects(storeVerified(PATH, expected, pieces(content), { fs }), 'model-write');
  assert.match(error.message, /the disk is full: 5\.0 kB are needed, .* free; --out DIR/);
  assert.equal([error.retryable, fs.files(), fs.openFiles], [true, [], 0]);
});

test('a disk that refuses at any one change: an error, no file by the name or the whole one', async () => {
  for (let at = 0; ; at++) {
    const fs = disk();
    let met = false;
    fs.fault = (change) => {
      if (change !== at) return undefined;
      met = true;
      return 'EIO';
    };
    const done = await storeVerified(PATH, expected, pieces(content), { fs }).then(
      () => true,
      (error: { code: string }) => error.code,
    );
    if (!met) break;
    assert.is(done, 'model-write', `change ${at}`);
    assert.is(fs.openFiles, 0);
    for (const file of fs.files()) assert.equal([file, fs.peek(file)], [PATH, content], `change ${at}`);
  }
});

test('a power cut at any change: the name has the whole file or none', async () => {
  for (let at = 0, cut = true; cut; at++) {
    for (const kept of [0, 1, 2, 3, 7]) {
      const fs = disk();
      fs.fault = (change) => (change === at ? 'cut' : undefined);
      await storeVerified(PATH, expected, pieces(content), { fs }).catch((error: unknown) => {
        const cause = (error as Error).cause ?? error;
        assert.instance(cause, PowerCut);
      });
      cut = fs.isCut;
      let asked = 0;
      const after = cut ? fs.afterCut(() => ++asked % 8 < kept) : fs.afterCut(() => false);
      const found = after.peek(PATH);
      if (!cut || found) assert.equal(found, content, `change ${at}`);
    }
  }
});

test('no such folder: the path is named', async () => {
  const error = await rejects(
    storeVerified('/nowhere/at/all/a.onnx', expected, pieces(content), { fs: nodeFileSystem }),
    'model-write',
  );
  assert.match(error.message, '/nowhere/at/all/a.onnx');
});

test.run();

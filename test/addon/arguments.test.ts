/** Every method with every kind of wrong argument: typed errors, never a crash. */

import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { addonPath, binding, loadBinding, type TreeArrays } from '../../runtime/addon/binding.ts';
import { clockSynchronised, kernelProbe } from '../../runtime/addon/clock-probe.ts';
import { IsolationForest } from '../../runtime/addon/isolation-forest.ts';
import { TreeEnsemble } from '../../runtime/addon/tree-ensemble.ts';
import { type ModelError, VigieError } from '../../runtime/core/errors.ts';
import { randomRows, toArrays } from './support.ts';

const WIDTH = 4;
const rows = randomRows(50, WIDTH, 1);
const fitted = () => IsolationForest.fit({ rows, width: WIDTH, seed: 1, trees: 5 });

function detached(length: number): Float64Array {
  const array = new Float64Array(length);
  structuredClone(array, { transfer: [array.buffer] });
  return array;
}

const throwing = {
  get length(): number {
    throw new RangeError('getter');
  },
};
const WRONG: Record<string, unknown> = {
  undefined: undefined,
  null: null,
  number: 3,
  nan: Number.NaN,
  string: 'row',
  bigint: 5n,
  symbol: Symbol('s'),
  object: {},
  array: [1, 2, 3, 4],
  function: () => 0,
  proxy: new Proxy(new Float64Array(WIDTH), {}),
  float32: new Float32Array(WIDTH),
  dataview: new DataView(new ArrayBuffer(32)),
  buffer: Buffer.alloc(32),
  arraybuffer: new ArrayBuffer(32),
  empty: new Float64Array(),
  short: new Float64Array(WIDTH - 1),
  long: new Float64Array(WIDTH + 1),
  detached: detached(WIDTH),
  throwing,
};

function refuses(what: string, call: () => unknown): void {
  try {
    call();
  } catch (error) {
    assert.ok(error instanceof VigieError && error.code === 'bad-argument', `${what}: ${String(error)}`);
    return;
  }
  assert.unreachable(`${what} was taken`);
}

test('rows and outputs of a wrong type or size are refused by every method', async () => {
  const forest = fitted();
  const row = new Float64Array(WIDTH);
  for (const [name, value] of Object.entries(WRONG)) {
    const wrong = value as Float64Array;
    refuses(`score(${name})`, () => forest.score(wrong));
    refuses(`explain(${name})`, () => forest.explain(wrong, row));
    refuses(`explain(, ${name})`, () => forest.explain(row, wrong));
    refuses(`scoreBatch(, ${name})`, () => forest.scoreBatch(rows, wrong));
    if (['empty', 'detached'].includes(name)) {
      forest.scoreBatch(wrong, new Float64Array());
      assert.is((await forest.scoreBatchAsync(wrong)).length, 0, 'no rows, no scores');
      continue;
    }
    refuses(`scoreBatch(${name})`, () => forest.scoreBatch(wrong, row));
    await forest.scoreBatchAsync(wrong).then(
      () => assert.unreachable(`scoreBatchAsync(${name})`),
      (error) => assert.is(error.code, 'bad-argument', name),
    );
  }
});

test('wrong options are refused by name', () => {
  const good = { rows, width: WIDTH, seed: 1, trees: 5, samples: 16, maxDepth: 4 };
  for (const option of ['width', 'seed', 'trees', 'samples', 'maxDepth']) {
    for (const wrong of [null, 'x', -1, 1.5, Number.NaN, Infinity, 2 ** 60, {}, 3n, Symbol('s')]) {
      refuses(`${option} ${String(wrong)}`, () => fitWith({ ...good, [option]: wrong }));
      refuses(`${option} alone`, () => fitWith({ rows, width: WIDTH, seed: 1, [option]: wrong }));
    }
    if (option !== 'seed') refuses(`${option} 0`, () => fitWith({ ...good, [option]: 0 }));
  }
  for (const [name, wrong] of Object.entries(WRONG)) {
    if (['empty', 'detached', 'short', 'long'].includes(name)) continue;
    refuses(`rows ${name}`, () => fitWith({ ...good, rows: wrong }));
  }
  refuses('ragged rows', () => fitWith({ ...good, rows: new Float64Array(7) }));
});

function fitWith(options: object): unknown {
  return IsolationForest.fit(options as Parameters<typeof IsolationForest.fit>[0]);
}

test('wrong arrays of trees are refused by name', () => {
  const good = toArrays([{ value: 1, cover: 1 }], WIDTH);
  for (const key of Object.keys(good) as (keyof TreeArrays)[]) {
    for (const [name, wrong] of Object.entries(WRONG)) {
      try {
        TreeEnsemble.fromArrays({ ...good, [key]: wrong } as TreeArrays);
      } catch (error) {
        assert.ok(error instanceof VigieError, `${key} ${name}: ${String(error)}`);
      }
    }
  }
});

test('an option getter that detaches the rows does no harm', () => {
  const data = Float64Array.from(rows);
  const options = {
    rows: data,
    width: WIDTH,
    seed: 1,
    trees: 5,
    samples: 16,
    get maxDepth() {
      structuredClone(data, { transfer: [data.buffer] });
      return 4;
    },
  };
  assert.throws(() => binding().fitIsolationForest(options), /at least two rows/);
});

test('after dispose every method says so, and dispose may be repeated', async () => {
  const forest = fitted();
  const row = new Float64Array(WIDTH);
  forest.dispose();
  forest.dispose();
  const calls = [
    () => forest.score(row),
    () => forest.scoreBatch(rows, new Float64Array(50)),
    () => forest.explain(row, row),
    () => forest.serialize(),
  ];
  for (const call of calls) assert.throws(call, (error: ModelError) => error.code === 'model-disposed');
  await forest.scoreBatchAsync(rows).then(
    () => assert.unreachable(),
    (error) => assert.is(error.code, 'model-disposed'),
  );
});

test('foreign receivers and a bare constructor cannot reach native memory', () => {
  const native = binding().ensembleFromArrays(toArrays([{ value: 1, cover: 1 }], WIDTH));
  const Class = native.constructor as new (...args: unknown[]) => typeof native;
  for (const receiver of [{}, undefined, 5, Object.create(native)]) {
    assert.throws(() => native.score.call(receiver as typeof native, new Float64Array(WIDTH)));
  }
  assert.throws(() => (Class as unknown as () => void)(), /without 'new'/);
  assert.throws(() => new Class(1, {}).score(new Float64Array(WIDTH)), /disposed/);
  assert.throws(() => new Class().describe(), /disposed/);
  assert.is(native.score(new Float64Array(WIDTH)), 1);
});

test('shared and resizable memory is read as it is', () => {
  const forest = fitted();
  const plain = rows.subarray(0, WIDTH);
  const shared = new Float64Array(new SharedArrayBuffer(8 * WIDTH));
  shared.set(plain);
  assert.is(forest.score(shared), forest.score(plain));
  const buffer = new ArrayBuffer(8 * WIDTH, { maxByteLength: 8 * WIDTH * 2 });
  const tracking = new Float64Array(buffer);
  tracking.set(plain);
  assert.is(forest.score(tracking), forest.score(plain));
  buffer.resize(8);
  refuses('shrunk', () => forest.score(tracking));
});

test('a missing or broken addon names the command that mends it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'vigie-addon-'));
  try {
    const broken = join(folder, 'broken.node');
    writeFileSync(broken, readFileSync(addonPath).subarray(0, 5000));
    for (const path of [join(folder, 'absent.node'), broken]) {
      assert.throws(
        () => loadBinding(path),
        (error: ModelError) =>
          error.code === 'addon-missing' && error.message.includes('npm run build:native'),
      );
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('the kernel says whether the clock is synchronised', () => {
  assert.ok([true, false, undefined].includes(clockSynchronised()));
  assert.type(kernelProbe(), 'boolean');
});

test.run();

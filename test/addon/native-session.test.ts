/** The addon's sessions: memory that is lent, wrong arguments, and ends of every kind. */

import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { addonPath, binding, type NativeSessionHandle } from '../../runtime/addon/binding.ts';
import { NativeSession, nativeBackends } from '../../runtime/addon/native-session.ts';
import { addPlan, nchwPlan, SLOW_SHAPE, slowPlan } from '../support/tiny-models.ts';

const folder = mkdtempSync(join(tmpdir(), 'vigie-native-session-'));
test.after(() => rmSync(folder, { recursive: true }));
const [ADD, NCHW, SLOW] = ['add', 'nchw', 'slow'].map((name) => join(folder, `${name}.xnn`)) as [
  string,
  string,
  string,
];
writeFileSync(ADD, addPlan());
writeFileSync(NCHW, nchwPlan());
writeFileSync(SLOW, slowPlan(150));

const outcome = async (work: () => unknown): Promise<unknown> => {
  try {
    await work();
    return 'done';
  } catch (error) {
    return (error as { code?: unknown }).code ?? error;
  }
};
const inline = (code: string, ...flags: string[]) =>
  promisify(execFile)(process.execPath, [...flags, '--input-type=module', '-e', code]);
const PRELUDE = `
  const { createRequire } = await import('node:module');
  const addon = createRequire(${JSON.stringify(addonPath)})(${JSON.stringify(addonPath)});
  const load = (path = ${JSON.stringify(SLOW)}) => addon.loadSession('xnnpack', path);
  const input = new Float32Array(${SLOW_SHAPE[1]});
`;

test('XNNPACK is a backend of every build; unusable ones say why', () => {
  const backends = nativeBackends();
  assert.ok(backends.some(({ name, unavailable }) => name === 'xnnpack' && unavailable === undefined));
  for (const { unavailable } of backends) assert.ok(unavailable === undefined || unavailable.length > 0);
});

test('an input that the backend keeps in another order is converted from the contract', async () => {
  const session = await NativeSession.load('xnnpack', NCHW);
  assert.equal(session.facts.inputs[0]!.shape, [1, 3, 2, 2]);
  assert.equal(session.facts.inputs[0]!.stored.permutation, [0, 2, 3, 1]);
  const x = Float32Array.from({ length: 12 }, (_, i) => i);
  for (let i = 0; i < 3; i++) {
    const [y] = await session.infer([x], [[1, 3, 2, 2]]);
    assert.equal(y, { data: x.map((value) => value * 2), shape: [1, 3, 2, 2] });
  }
  await session.close();
});

test('the input buffer is the memory that a run reads', async () => {
  const session = await NativeSession.load('xnnpack', ADD);
  const buffer = session.inputBuffer(0);
  assert.is(session.inputBuffer(0), buffer);
  const input = new Float32Array(buffer);
  assert.is(input.length, 4);
  input.set([1, 2, 3, 4]);
  const into = new Float32Array(4);
  const [y] = await session.run([into]);
  assert.is(y!.data, into);
  assert.equal(into, Float32Array.of(2, 4, 6, 8));
  // The same memory is where infer's inputs go.
  await session.infer([Float32Array.of(9, 9, 9, 9)], [[1, 4]]);
  assert.equal(input, Float32Array.of(9, 9, 9, 9));
  assert.is(
    await outcome(() => session.infer([input], [[1, 4]])),
    'bad-argument',
    'it may lie in another order',
  );
  assert.is(await outcome(() => session.inputBuffer(1)), 'bad-argument');
  await session.close();
  assert.is(input.length, 0, 'nothing can be read once the model is freed');
  assert.is(await outcome(() => session.inputBuffer(0)), 'session-closed');
  assert.is(await outcome(() => session.run()), 'session-closed');
});

test('a lent buffer may be copied or transferred without harm', async () => {
  for (const take of [
    (buffer: ArrayBuffer) => {
      assert.throws(() => structuredClone(buffer, { transfer: [buffer] }));
      return buffer.slice();
    },
    (buffer: ArrayBuffer) => buffer.transfer(1 << 20),
  ]) {
    const session = await NativeSession.load('xnnpack', ADD);
    const taken = take(session.inputBuffer(0));
    await session.infer([Float32Array.of(1, 1, 1, 1)], [[1, 4]]);
    await session.close();
    new Float32Array(taken).fill(7);
  }
});

test('a lent buffer outlives a session that is forgotten', async () => {
  const { stdout } = await inline(
    `${PRELUDE}
    const lent = [];
    for (let i = 0; i < 20; i++) lent.push(new Float32Array((await load()).inputBuffer(0)));
    for (let i = 0; i < 5; i++) { gc(); await new Promise((r) => setTimeout(r, 10)); }
    for (const array of lent) array.fill(1);
    console.log(lent.every((array) => array[9] === 1));`,
    '--expose-gc',
  );
  assert.is(stdout, 'true\n');
});

test('one call at a time; the time of the last run is told between calls', async () => {
  const { handle, ...session } = await NativeSession.load('xnnpack', SLOW);
  assert.is(handle.lastRunNs(), 0);
  const running = handle.infer([new Float32Array(SLOW_SHAPE[1]!)]);
  for (const work of [
    () => handle.infer([new Float32Array(SLOW_SHAPE[1]!)]),
    () => handle.run(),
    () => handle.lastRunNs(),
    () => handle.inputBuffer(0),
  ]) {
    assert.is(await outcome(work), 'session-busy');
    assert.is(session.path, SLOW);
  }
  const closing = handle.close();
  assert.is(await outcome(() => handle.run()), 'session-closed');
  assert.is(await outcome(() => handle.describe()), 'session-closed');
  assert.is((await running).length, 1, 'the running call finishes');
  await closing;
  await handle.close();
});

const WRONG: readonly unknown[] = [
  undefined,
  null,
  3,
  Number.NaN,
  'x',
  5n,
  Symbol('s'),
  {},
  [],
  () => 0,
  new Proxy([], {}),
  new ArrayBuffer(16),
  new DataView(new ArrayBuffer(16)),
  new Float32Array(3),
  new Int32Array(4),
  [[1, 2, 3, 4]],
];

test('wrong arguments are typed errors, whatever they are', async () => {
  const addon = binding();
  const { handle } = await NativeSession.load('xnnpack', ADD);
  const good = new Float32Array(4);
  for (const wrong of WRONG as readonly never[]) {
    assert.is(await outcome(() => handle.infer(wrong)), 'bad-argument');
    assert.is(await outcome(() => handle.infer([wrong])), 'bad-argument');
    if (wrong !== undefined) assert.is(await outcome(() => handle.inputBuffer(wrong)), 'bad-argument');
    if (Array.isArray(wrong)) continue;
    assert.is(await outcome(() => addon.loadSession(wrong, ADD)), 'bad-argument');
    assert.is(await outcome(() => handle.infer([good], undefined, wrong)), 'done', 'into is a wish');
    assert.is(await outcome(() => handle.infer([good], undefined, [wrong])), 'done');
  }
  for (const shape of [
    [],
    [4],
    [1, 5],
    [1, 4, 1],
    [-1, 4],
    [1, 4.5],
    ['1', 4],
    [2 ** 40, 2 ** 40],
    [1, {}],
  ]) {
    assert.is(await outcome(() => handle.infer([good], [shape as number[]])), 'bad-argument', String(shape));
  }
  for (const path of [undefined, 3, 'a\0b']) {
    assert.is(await outcome(() => addon.loadSession('xnnpack', path as string)), 'bad-argument');
  }
  for (const options of [3, { threads: -1 }, { threads: 'x' }, { memoryLimitBytes: 0.5 }, { affinity: 1 }]) {
    assert.is(await outcome(() => addon.loadSession('xnnpack', ADD, options as never)), 'bad-argument');
  }
  for (const affinity of [[-1], [1023], ['x'], new Array(2000).fill(0)]) {
    assert.is(
      await outcome(() => addon.loadSession('xnnpack', ADD, { affinity: affinity as number[] })),
      'bad-argument',
    );
  }
  assert.is(await outcome(() => addon.loadSession('abacus', ADD)), 'bad-argument');
  assert.equal((await handle.infer([good]))[0], Float32Array.of(1, 2, 3, 4));
  await handle.close();
});

test('a session cannot be forged, nor its methods borrowed', async () => {
  const { handle } = await NativeSession.load('xnnpack', ADD);
  const Handle = handle.constructor as new () => NativeSessionHandle;
  const empty = new Handle();
  for (const method of ['describe', 'infer', 'run', 'inputBuffer', 'lastRunNs'] as const) {
    assert.is(await outcome(() => (empty[method] as () => unknown)()), 'session-closed', method);
    assert.instance(await outcome(() => (handle[method] as () => unknown).call({})), TypeError);
  }
  await empty.close();
  await handle.close();
});

test('getters among the arguments may do anything but harm', async () => {
  const { handle } = await NativeSession.load('xnnpack', ADD);
  const nested: Promise<unknown>[] = [];
  const arrays = Object.defineProperty([], 0, {
    get: () => {
      nested.push(outcome(() => handle.infer([new Float32Array(4)])));
      return new Float32Array(4);
    },
  });
  assert.is(await outcome(() => handle.infer(arrays)), 'session-busy', 'the inner call came first');
  assert.equal(await Promise.all(nested), ['done']);
  const closing = Object.defineProperty([], 0, {
    get: () => {
      nested.push(handle.close());
      return new Float32Array(4);
    },
  });
  assert.is(await outcome(() => handle.infer(closing)), 'session-closed');
  await Promise.all(nested);
  const other = (await NativeSession.load('xnnpack', ADD)).handle;
  const late: unknown[] = [];
  const into = Object.defineProperty([], 0, {
    get: () => {
      late.push(
        outcome(() => other.run()),
        other.close(),
      );
      throw new TypeError('no array');
    },
  });
  assert.equal((await other.infer([new Float32Array(4)], undefined, into))[0], Float32Array.of(1, 2, 3, 4));
  assert.equal(await Promise.all(late), ['session-busy', undefined]);
});

test('forgotten sessions are collected with their threads and memory', async () => {
  const { stdout } = await inline(
    `${PRELUDE}
    const { readdirSync } = await import('node:fs');
    const settle = async () => { for (let i = 0; i < 5; i++) { gc(); await new Promise((r) => setTimeout(r, 20)); } };
    const round = async () => { for (let i = 0; i < 50; i++) await (await load()).infer([input]); await settle(); };
    await round();
    const before = [process.memoryUsage.rss(), readdirSync('/proc/self/task').length];
    await round(); await round();
    console.log((process.memoryUsage.rss() - before[0]) / 1e6, readdirSync('/proc/self/task').length - before[1]);`,
    '--expose-gc',
  );
  const [grown, threads] = stdout.split(' ').map(Number) as [number, number];
  assert.ok(grown < 50, `grew by ${grown} MB for 100 sessions of 2 MB`);
  assert.is(threads, 0);
});

test('a worker thread may be ended while it loads, runs or closes', async () => {
  const states = [
    'load();',
    'const s = await load(); s.infer([input]);',
    'const s = await load(); s.inputBuffer(0); s.infer([input]); s.close();',
    'const s = await load();',
  ];
  for (const state of states) {
    const code = `${PRELUDE} const { parentPort } = await import('node:worker_threads');
      ${state} parentPort.postMessage('now'); setInterval(() => {}, 1000);`;
    const worker = new Worker(code, { eval: true, execArgv: ['--input-type=module'] });
    await new Promise((resolve, reject) => {
      worker.on('message', resolve);
      worker.on('error', reject);
    });
    await worker.terminate();
  }
});

test.run();

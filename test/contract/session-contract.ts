/**
 * What every backend's sessions must do, state by state. A test file calls `sessionContract` with a backend and its two
 * model files, then `test.run()`.
 */

import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { InputError, ModelError, VigieError } from '../../runtime/core/errors.ts';
import { loadSession } from '../../runtime/pipeline/inference/load-session.ts';
import {
  type BackendName,
  MOST_WAITING,
  type Session,
  type Tensors,
} from '../../runtime/pipeline/inference/session.ts';
import { SLOW_SHAPE } from '../support/tiny-models.ts';

export interface BackendUnderTest {
  readonly backend: BackendName;
  /** y = x + [1, 2, 3, 4] with x: float32 [1, 4]. */
  readonly add: string;
  /** y = |x| with x: float32 SLOW_SHAPE; some 10 ms. */
  readonly slow: string;
  /** A folder to write to. */
  readonly folder: string;
  /** How often the leak test loads. */
  readonly rounds: number;
  /** Whether a worker thread may be ended in the middle of a run. */
  readonly terminable: boolean;
  /** Statements that children run first. */
  readonly prelude?: string;
}

const LOAD_SESSION = new URL('../../runtime/pipeline/inference/load-session.ts', import.meta.url).href;
const run = promisify(execFile);
const floats = (...values: number[]): Tensors => ({
  x: { type: 'float32', shape: [1, values.length], data: Float32Array.from(values) },
});
const slowInput = (): Tensors => ({
  x: { type: 'float32', shape: SLOW_SHAPE, data: new Float32Array(SLOW_SHAPE[1]!) },
});
const outcome = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'done',
    (error: VigieError) => error.code,
  );

export function sessionContract(under: BackendUnderTest): void {
  const load = (path: string) => loadSession({ path, backend: under.backend });
  const using = async (path: string, work: (session: Session) => Promise<void>): Promise<void> => {
    const session = await load(path);
    try {
      await work(session);
    } finally {
      await session.close();
    }
  };
  const it = (name: string, work: () => Promise<void>): void => {
    test(`${under.backend}: ${name}`, work);
  };
  results(under, it, using);
  refusals(under, it, using);
  states(under, it, load);
  ends(under, it);
}

type It = (name: string, work: () => Promise<void>) => void;
type Using = (path: string, work: (session: Session) => Promise<void>) => Promise<void>;

function results(under: BackendUnderTest, it: It, using: Using): void {
  it('describes the contract of the model', () =>
    using(under.add, async (session) => {
      const { backend, inputs, outputs, threads } = session.describe();
      assert.is(backend, under.backend);
      assert.equal(inputs, [{ name: 'x', type: 'float32', shape: [1, 4] }]);
      assert.equal(outputs, [{ name: 'y', type: 'float32', shape: [1, 4] }]);
      assert.is(threads, 1);
    }));

  it('gives new arrays at each call, or fills those it is given where they fit', () =>
    using(under.add, async (session) => {
      const { y: first } = await session.infer(floats(1, 1, 1, 1));
      const { y: second } = await session.infer(floats(0, 0, 0, 10));
      assert.equal(first, { type: 'float32', shape: [1, 4], data: Float32Array.of(2, 3, 4, 5) });
      assert.equal(second!.data, Float32Array.of(1, 2, 3, 14));
      const into = new Float32Array(4);
      const { y: third } = await session.infer(floats(1, 1, 1, 1), { y: into });
      assert.is(third!.data, into);
      assert.equal(into, Float32Array.of(2, 3, 4, 5));
      for (const wrong of [new Float32Array(3), new Int32Array(4)]) {
        const { y } = await session.infer(floats(0, 0, 0, 0), { y: wrong });
        assert.equal(y!.data, Float32Array.of(1, 2, 3, 4));
      }
    }));

  it('runs calls in order, however many sessions run beside', () =>
    using(under.add, (one) =>
      using(under.add, (two) =>
        using(under.slow, async (slow) => {
          const settled: number[] = [];
          const calls = Array.from({ length: MOST_WAITING + 1 }, async (_, i) => {
            const session = i % 2 ? one : two;
            const { y } = await session.infer(floats(i, 0, 0, 0));
            if (session === one) settled.push(i);
            assert.is(y!.data[0], i + 1);
          });
          const running = slow.infer(slowInput());
          await Promise.all([...calls, running]);
          assert.equal(settled, [1, 3, 5, 7]);
        }),
      ),
    ));

  it('reads inputs in whatever memory they lie', () =>
    using(under.add, async (session) => {
      const shared = new Float32Array(new SharedArrayBuffer(64), 16, 4).fill(1);
      const resizable = new Float32Array(new ArrayBuffer(16, { maxByteLength: 4096 })).fill(1);
      const window = new Float32Array(1000).subarray(500, 504).fill(1);
      for (const data of [shared, resizable, window]) {
        const { y } = await session.infer({ x: { type: 'float32', shape: [1, 4], data } });
        assert.equal(y!.data, Float32Array.of(2, 3, 4, 5));
      }
    }));
}

function refusals(under: BackendUnderTest, it: It, using: Using): void {
  it('refuses inputs that are not as the contract says, naming both sides, and stays usable', () =>
    using(under.add, async (session) => {
      const good = floats(0, 0, 0, 0).x!;
      const detached = new Float32Array(4);
      detached.buffer.transfer();
      const wrong: [string, unknown, RegExp][] = [
        ['nothing', undefined, /takes "x" \(float32 \[1, 4\]\)/],
        ['missing', {}, /input "x" \(float32 \[1, 4\]\) is missing; given: none/],
        ['near', { X: good }, /"x".* is missing; given: "X"; is "X" meant/],
        ['unknown', { x: good, xy: good }, /no input "xy"; the model takes "x".*did you mean "x"/],
        ['inherited', Object.create({ x: good }), /missing/],
        ['no tensor', { x: good.data }, /takes \{ type, shape, data \}/],
        ['type', { x: { ...good, type: 'int8' } }, /of type int8, the model takes float32/],
        ['array', { x: { ...good, data: new Int32Array(4) } }, /Int32Array, the model takes a Float32Array/],
        ['list', { x: { ...good, data: [1, 2, 3, 4] } }, /a Array, the model takes a Float32Array/],
        ['shape', { x: { ...good, shape: [4, 1] } }, /shape \[4, 1\], the model takes \[1, 4\]/],
        ['rank', { x: { ...good, shape: [4] } }, /shape \[4\], the model takes \[1, 4\]/],
        ['negative', { x: { ...good, shape: [-1, -4] } }, /shape \[-1, -4\]/],
        ['short', { x: { ...good, data: new Float32Array(3) } }, /has 3 elements, .* needs 4/],
        ['detached', { x: { ...good, data: detached } }, /has 0 elements.*transferred/],
      ];
      for (const [name, inputs, text] of wrong) {
        const error = await session.infer(inputs as Tensors).catch((thrown) => thrown);
        assert.instance(error, InputError, name);
        assert.is((error as InputError).code, 'bad-argument', name);
        assert.match((error as InputError).message, text);
        assert.ok((error as InputError).message.includes(under.add), `${name} names the model`);
      }
      assert.is(await outcome(session.infer({ x: good })), 'done');
    }));

  it('takes no harm when an array is transferred while its call runs or waits', () =>
    using(under.add, async (session) => {
      const running = floats(1, 1, 1, 1);
      const waiting = floats(2, 2, 2, 2);
      const first = session.infer(running);
      const second = session.infer(waiting);
      (running.x!.data.buffer as ArrayBuffer).transfer(1 << 20);
      (waiting.x!.data.buffer as ArrayBuffer).transfer(1 << 20);
      assert.equal((await first).y!.data, Float32Array.of(2, 3, 4, 5));
      assert.is(await outcome(second), 'bad-argument');
      assert.is(await outcome(session.infer(floats(0, 0, 0, 0))), 'done');
    }));

  it('says what is wrong with a file that is missing, empty or damaged', async () => {
    const path = join(under.folder, `damaged-${under.backend}`);
    const missing = await loadSession({ path: `${path}-missing`, backend: under.backend }).catch((e) => e);
    assert.instance(missing, InputError);
    assert.is(missing.code, 'model-missing');
    for (const content of [Buffer.alloc(0), Buffer.from('no model'), Buffer.alloc(5000, 7)]) {
      writeFileSync(path, content);
      const error = await loadSession({ path, backend: under.backend }).catch((thrown) => thrown);
      assert.instance(error, ModelError);
      assert.is(error.code, 'bad-model');
      assert.ok(error.message.includes(path));
    }
  });

  it('refuses options out of bounds', async () => {
    for (const options of [{ threads: -1 }, { threads: 1.5 }, { threads: 1e6 }]) {
      assert.is(
        await outcome(loadSession({ path: under.add, backend: under.backend }, options)),
        'bad-argument',
      );
    }
    assert.is(
      await outcome(loadSession({ path: under.slow, backend: under.backend }, { memoryLimitBytes: 1024 })),
      'model-memory',
    );
  });
}

type State = 'ready' | 'busy' | 'full' | 'closing' | 'closed';
type Method = 'describe' | 'infer' | 'close';
const EXPECTED: Readonly<Record<State, Readonly<Record<Method, string>>>> = {
  ready: { describe: 'done', infer: 'done', close: 'done' },
  busy: { describe: 'done', infer: 'done', close: 'done' },
  full: { describe: 'done', infer: 'session-busy', close: 'done' },
  closing: { describe: 'done', infer: 'session-closed', close: 'done' },
  closed: { describe: 'done', infer: 'session-closed', close: 'done' },
};

function states(under: BackendUnderTest, it: It, load: (path: string) => Promise<Session>): void {
  for (const [state, methods] of Object.entries(EXPECTED) as [State, Record<Method, string>][]) {
    for (const [method, expected] of Object.entries(methods) as [Method, string][]) {
      it(`${method} when ${state}: ${expected}`, async () => {
        const session = await load(under.slow);
        const before = state === 'busy' ? 1 : state === 'full' ? MOST_WAITING + 1 : 0;
        const calls = Array.from({ length: before }, () => outcome(session.infer(slowInput())));
        if (state === 'closing') void session.close();
        if (state === 'closed') await session.close();
        const work: Record<Method, () => unknown> = {
          describe: () => session.describe(),
          infer: () => session.infer(slowInput()),
          close: () => session.close(),
        };
        assert.is(await outcome(Promise.resolve(work[method]())), expected);
        if (method === 'close') {
          const [running, ...waiting] = await Promise.all(calls);
          if (before > 0) assert.is(running, 'done');
          assert.ok(waiting.every((code) => code === 'session-closed'));
        }
        await session.close();
        await Promise.all(calls);
      });
    }
  }

  it('a full queue is an error that may pass', async () => {
    const session = await load(under.add);
    const calls = Array.from({ length: MOST_WAITING + 2 }, () => session.infer(floats(0, 0, 0, 0)));
    const last = await calls.at(-1)!.catch((error) => error);
    assert.ok(last instanceof VigieError && last.code === 'session-busy' && last.retryable);
    await Promise.all(calls.slice(0, -1));
    await session.close();
  });
}

function ends(under: BackendUnderTest, it: It): void {
  const code = (statements: string): string => `
    ${under.prelude ?? ''}
    const { loadSession } = await import(${JSON.stringify(LOAD_SESSION)});
    const load = (path) => loadSession({ path, backend: ${JSON.stringify(under.backend)} });
    const [ADD, SLOW] = ${JSON.stringify([under.add, under.slow])};
    const slowInput = { x: { type: 'float32', shape: ${JSON.stringify(SLOW_SHAPE)}, data: new Float32Array(${SLOW_SHAPE[1]}) } };
    ${statements}`;
  const inline = (statements: string, ...flags: string[]) =>
    run(process.execPath, [
      ...flags,
      '--disable-warning=ExperimentalWarning',
      '--input-type=module',
      '-e',
      code(statements),
    ]);

  it('a process may end in any state', async () => {
    const endings = [
      'load(SLOW); process.exit(0);',
      'const s = await load(SLOW); process.exit(0);',
      'const s = await load(SLOW); s.infer(slowInput); s.infer(slowInput); process.exit(0);',
      'const s = await load(SLOW); s.infer(slowInput); s.close(); process.exit(0);',
      // An open session keeps no process alive; a call does.
      'const s = await load(SLOW);',
      'const s = await load(SLOW); s.infer(slowInput).then(() => console.log("done"));',
    ];
    for (const ending of endings) {
      const { stdout, stderr } = await inline(ending);
      assert.is(stderr, '', ending);
      assert.is(stdout, ending.includes('log') ? 'done\n' : '', ending);
    }
  });

  it('a worker thread has sessions of its own', async () => {
    const statements = `const { parentPort } = await import('node:worker_threads');
      const s = await load(SLOW); await s.infer(slowInput);
      parentPort.postMessage('ready'); ${under.terminable ? 's.infer(slowInput); s.infer(slowInput);' : 'await s.close();'}
      setInterval(() => {}, 1000);`;
    for (let i = 0; i < 3; i++) {
      const worker = new Worker(code(statements), { eval: true, execArgv: ['--input-type=module'] });
      await new Promise((resolve, reject) => {
        worker.on('message', resolve);
        worker.on('error', reject);
      });
      await worker.terminate();
    }
  });

  it('loading and closing many times leaves no memory and no threads behind', async () => {
    const { stdout } = await inline(
      `const { readdirSync } = await import('node:fs');
      const threads = () => readdirSync('/proc/self/task').length;
      const round = async () => { const s = await load(SLOW); await s.infer(slowInput); await s.close(); };
      for (let i = 0; i < ${under.rounds}; i++) await round();
      gc();
      const before = [process.memoryUsage.rss(), threads()];
      for (let i = 0; i < ${under.rounds}; i++) await round();
      gc();
      console.log((process.memoryUsage.rss() - before[0]) / 1e6, threads() - before[1]);`,
      '--expose-gc',
    );
    const [grown, threads] = stdout.split(' ').map(Number) as [number, number];
    // One that stayed would hold at least 1 MiB each for its input and output.
    assert.ok(grown < under.rounds, `grew by ${grown} MB in ${under.rounds} rounds`);
    assert.is(threads, 0);
  });
}

/** Plan files that were cut off, damaged or made to hurt, loaded through the addon: an error with a code, nothing else. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { PlanBuilder } from '../../ota/model/plan/builder.ts';
import type { Plan } from '../../ota/model/plan/plan.ts';
import { writePlan } from '../../ota/model/plan/write.ts';
import { NativeSession } from '../../runtime/addon/native-session.ts';
import { VigieError } from '../../runtime/core/errors.ts';

const CODES = ['bad-model', 'model-newer', 'model-memory', 'out-of-memory'];

let folder = '';
test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vigie-plans-'));
});
test.after(async () => rm(folder, { recursive: true }));

const { plan, weights } = sumPlan();

function sumPlan(): { plan: Plan; weights: Uint8Array } {
  const builder = new PlanBuilder();
  const a = builder.value('f32', [1, 3]);
  const b = builder.constant('f32', [3], new Uint8Array(new Float32Array([1, 2, 3]).buffer));
  const sum = builder.value('f32', [1, 3]);
  builder.node({ op: 'binary', kind: 'add', from: 'Add_7', inputs: [a, b], outputs: [sum] });
  builder.input({ name: 'a', type: 'float32', shape: [1, 3], value: a });
  builder.output({ name: 'sum', type: 'float32', shape: [1, 3], value: sum });
  return builder.finish({ name: 'sum', sha256: '00'.repeat(32) }, 'vigie test');
}

/** @returns the error's code, or undefined when the model runs */
async function codeOf(file: Uint8Array): Promise<string | undefined> {
  const path = join(folder, 'model.xnn');
  await writeFile(path, file);
  try {
    const session = await NativeSession.load('xnnpack', path, { memoryLimitBytes: 64 * 1024 * 1024 });
    await session.run();
    await session.close();
    return undefined;
  } catch (error) {
    assert.instance(error, VigieError);
    assert.match((error as VigieError).message, path);
    return (error as VigieError).code;
  }
}

test('the plan that the rest damages runs', async () => {
  assert.is(await codeOf(writePlan(plan, weights)), undefined);
});

test('a file cut off anywhere is refused', async () => {
  const whole = writePlan(plan, weights);
  await fc.assert(
    fc.asyncProperty(fc.nat(whole.length - 1), async (length) => {
      assert.is(await codeOf(whole.subarray(0, length)), 'bad-model');
    }),
    { numRuns: 60, examples: [[0], [1], [63], [64], [whole.length - 1]] },
  );
});

test('a changed bit is refused wherever it counts', async () => {
  const whole = writePlan(plan, weights);
  const header = 64 + Buffer.from(JSON.stringify(plan)).length;
  await fc.assert(
    fc.asyncProperty(fc.nat(whole.length - 1), fc.nat(7), async (at, bit) => {
      const damaged = Uint8Array.from(whole);
      damaged[at]! ^= 1 << bit;
      const unused = (at >= 36 && at < 64) || (at >= header && at < whole.length - weights.length);
      const code = await codeOf(damaged);
      if (unused) assert.is(code, undefined);
      else assert.ok(code === 'bad-model' || code === 'model-newer');
    }),
    { numRuns: 80 },
  );
});

test('a plan of a newer version names both versions', async () => {
  const newer = Buffer.from(writePlan(plan, weights));
  newer.writeUInt32LE(2, 8);
  assert.is(await codeOf(newer), 'model-newer');
});

test('any field of the header replaced by anything is refused, or harmless', async () => {
  const paths = pathsOf(plan);
  const anything = fc.oneof(
    fc.integer(),
    fc.double(),
    fc.constantFrom(0, -1, 2 ** 31, 2 ** 53, 'copy', 'qs8', null, true, [], {}, [2 ** 31, 2 ** 31, 2 ** 31]),
    fc.array(fc.nat(9), { maxLength: 8 }),
    fc.string({ maxLength: 20 }),
  );
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...paths), anything, async (path, value) => {
      const damaged = structuredClone(plan) as unknown as Record<string, unknown>;
      const parent = path.slice(0, -1).reduce((at, key) => at[key] as Record<string, unknown>, damaged);
      parent[path.at(-1)!] = value;
      const code = await codeOf(writePlan(damaged as unknown as Plan, weights));
      assert.ok(code === undefined || CODES.includes(code), code);
    }),
    { numRuns: 150 },
  );
});

function pathsOf(value: unknown, path: string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return [path];
  const inner = Object.entries(value).flatMap(([key, item]) => pathsOf(item, [...path, key]));
  return path.length > 0 ? [path, ...inner] : inner;
}

test('an error in a node names the ONNX node and its values', async () => {
  const wrong = { ...plan, nodes: [{ ...plan.nodes[0]!, kind: 'modulo' }] } as unknown as Plan;
  const path = join(folder, 'wrong.xnn');
  await writeFile(path, writePlan(wrong, weights));
  const error = await NativeSession.load('xnnpack', path).then(
    () => assert.unreachable(),
    (failure: VigieError) => failure,
  );
  assert.match(error!.message, /Add_7/);
  assert.match(error!.message, /modulo/);
});

test.run();

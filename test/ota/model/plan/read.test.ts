/** The plan reader of the workstation: what write.ts wrote comes back; damage is an error with a code. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isPlan, readPlan } from '../../../../ota/model/plan/read.ts';
import { VigieError } from '../../../../runtime/core/errors.ts';
import { addPlan } from '../../../support/tiny-models.ts';

const folder = mkdtempSync(join(tmpdir(), 'vigie-read-plan-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));
const file = join(folder, 'plan.xnn');
const GOOD = addPlan();

const read = (bytes: Uint8Array) => {
  writeFileSync(file, bytes);
  return readPlan(file);
};
const changed = (change: (bytes: Buffer) => void) => {
  const bytes = Buffer.from(GOOD);
  change(bytes);
  return bytes;
};
const refused = (bytes: Uint8Array) => {
  try {
    read(bytes);
    return undefined;
  } catch (error) {
    assert.instance(error, VigieError);
    return (error as VigieError).code;
  }
};

test('what was written comes back', () => {
  const { plan, bytes, weightBytes } = read(GOOD);
  assert.equal([plan.model.name, plan.nodes.length, bytes], ['tiny', 1, GOOD.length]);
  assert.ok(weightBytes >= 16 + 128);
  assert.equal([isPlan(GOOD), isPlan(new Uint8Array(3))], [true, false]);
});

test('a newer plan, a torn one, one that is none, one that is not there', () => {
  assert.is(refused(changed((bytes) => bytes.writeUInt32LE(99, 8))), 'model-newer');
  for (const length of [8, 63, 64, 100, GOOD.length - 1])
    assert.is(refused(GOOD.subarray(0, length)), 'bad-model', String(length));
  assert.is(refused(changed((bytes) => bytes.writeUInt32LE(0xffff_ffff, 12))), 'bad-model');
  assert.is(refused(changed((bytes) => bytes.writeBigUInt64LE(2n ** 63n, 16))), 'bad-model');
  assert.is(refused(changed((bytes) => bytes.writeUInt8(bytes[70]! ^ 1, 70))), 'bad-model');
  assert.is(refused(Buffer.from('text')), 'bad-model');
  assert.throws(() => readPlan(join(folder, 'none.xnn')), /cannot read/);
});

test('whatever changes in a plan, it is a plan still or an error with a code', () => {
  const change = fc.tuple(fc.nat(GOOD.length - 1), fc.nat(255));
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
      refused(
        changed((bytes) => {
          for (const [at, value] of changes) bytes[at] = value;
        }),
      );
    }),
  );
});

test.run();

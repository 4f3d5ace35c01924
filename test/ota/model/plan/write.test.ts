import { crc32 } from 'node:zlib';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { PlanBuilder } from '../../../../ota/model/plan/builder.ts';
import { PLAN_MAGIC, PLAN_VERSION } from '../../../../ota/model/plan/plan.ts';
import { writePlan } from '../../../../ota/model/plan/write.ts';

const MODEL = { name: 'sum', sha256: '00'.repeat(32) };

function bytesOf(...numbers: number[]): Uint8Array {
  return new Uint8Array(new Float32Array(numbers).buffer);
}

test('the file has the header, then the weights at a page, under one checksum', () => {
  const builder = new PlanBuilder();
  const a = builder.value('f32', [1, 3]);
  const b = builder.constant('f32', [3], bytesOf(1, 2, 3));
  const sum = builder.value('f32', [1, 3]);
  builder.node({ op: 'binary', kind: 'add', from: 'add', inputs: [a, b], outputs: [sum] });
  builder.input({ name: 'a', type: 'float32', shape: [1, 3], value: a });
  builder.output({ name: 'sum', type: 'float32', shape: [1, 3], value: sum });
  const { plan, weights } = builder.finish(MODEL, 'vigie test');
  const file = Buffer.from(writePlan(plan, weights));

  assert.is(file.toString('latin1', 0, 8), PLAN_MAGIC);
  assert.is(file.readUInt32LE(8), PLAN_VERSION);
  const header = file.subarray(64, 64 + file.readUInt32LE(12));
  assert.equal(JSON.parse(header.toString()), JSON.parse(JSON.stringify(plan)));
  const offset = Number(file.readBigUInt64LE(16));
  assert.is(offset % 4096, 0);
  const read = file.subarray(offset);
  assert.is(read.length, Number(file.readBigUInt64LE(24)));
  assert.equal([...new Float32Array(read.buffer.slice(read.byteOffset, read.byteOffset + 12))], [1, 2, 3]);
  assert.is(file.readUInt32LE(32), crc32(read, crc32(header)));
});

test('constants are aligned, kept once, and room is left behind the last', () => {
  const builder = new PlanBuilder();
  const first = builder.constant('f32', [2], bytesOf(1, 2));
  assert.is(builder.constant('f32', [2], bytesOf(1, 2)), first);
  const other = builder.constant('f32', [1, 2], bytesOf(1, 2));
  assert.is.not(other, first);
  const third = builder.constant('qc8', [2, 1], new Uint8Array([1, 2]), {
    scales: new Float32Array([0.5, 0.25]),
    axis: 0,
  });
  const { plan, weights } = builder.finish(MODEL, 'vigie test');
  assert.equal(plan.values[other]!.data, plan.values[first]!.data);
  const { data, scales } = plan.values[third]!;
  assert.is(data!.offset % 64, 0);
  assert.is(scales!.offset % 64, 0);
  assert.ok(weights.length >= Math.max(data!.offset, scales!.offset) + 8 + 128);
});

test.run();

import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { decode, MOST_NODES } from '../../../../ota/model/onnx/decode.ts';
import { encode } from '../../../../ota/model/onnx/encode.ts';
import { ModelError } from '../../../../runtime/core/errors.ts';
import { constant, graph, info, node, onnxModel, subgraph } from '../../../support/onnx-writer.ts';
import { sharedPath } from '../../../support/shared.ts';

const SMALL = onnxModel({
  inputs: [info('x', 'float32', ['N', 3])],
  outputs: [info('y', 'float32', ['N', 3])],
  nodes: [node('Add', ['x', 'w'], ['y'], { alpha: 0.5, axes: [1, 2], mode: 'linear', names: ['a', 'b'] })],
  initializers: [constant('w', 'float32', [3], [1, 2, 3])],
});

function refusal(bytes: Uint8Array): ModelError {
  try {
    decode('Model', bytes);
  } catch (error) {
    assert.instance(error, ModelError);
    assert.is((error as ModelError).code, 'onnx-malformed');
    return error as ModelError;
  }
  throw new RangeError('it was decoded');
}

test('gives what the file says, and views of its bytes for weights', () => {
  const model = decode('Model', SMALL);
  assert.is(model.irVersion, 8n);
  const add = model.graph!.node![0]!;
  assert.equal(add.input, ['x', 'w']);
  assert.equal(
    add.attribute!.map(({ name }) => name),
    ['alpha', 'axes', 'mode', 'names'],
  );
  assert.equal(add.attribute![1]!.ints, BigInt64Array.of(1n, 2n));
  assert.equal(model.graph!.input![0]!.type!.tensorType!.shape!.dim, [{ param: 'N' }, { value: 3n }]);
  assert.is(model.graph!.initializer![0]!.rawData!.buffer, SMALL.buffer);
});

test('keeps each of the 64 bits', () => {
  const numbers = fc.array(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), { maxLength: 20 });
  fc.assert(
    fc.property(numbers, (values) => {
      const tensor = decode('Tensor', encode('Tensor', { int64Data: values }));
      assert.equal([...(tensor.int64Data ?? [])], values);
      const unsigned = values.map((value) => BigInt.asUintN(64, value));
      const other = decode('Tensor', encode('Tensor', { uint64Data: unsigned }));
      assert.equal([...(other.uint64Data ?? [])], unsigned);
    }),
  );
});

test('reads packed lists as it reads single elements', () => {
  const floats = Buffer.from(new Float32Array([1.5, -2, 3]).buffer);
  const ints = Buffer.from([1, 0x96, 0x01, ...Array(9).fill(0xff), 0x01]);
  const packed = Buffer.concat([
    Buffer.from([0x22, floats.length]),
    floats,
    Buffer.from([0x3a, ints.length]),
    ints,
  ]);
  const { floatData, int64Data } = decode('Tensor', packed);
  assert.equal(floatData, Float32Array.of(1.5, -2, 3));
  assert.equal(int64Data, BigInt64Array.of(1n, 150n, -1n));
});

test('skips fields that it does not know', () => {
  const unknown = Buffer.from([0x7a, 2, 65, 66, 0xf8, 0x01, 5]);
  assert.is(decode('Model', Buffer.concat([unknown, SMALL, unknown])).graph!.node!.length, 1);
});

test('refuses every truncation that cuts a field, and never anything but refuses', () => {
  for (let length = 0; length < SMALL.length; length++) {
    try {
      decode('Model', SMALL.subarray(0, length));
    } catch (error) {
      assert.instance(error, ModelError);
    }
  }
  refusal(SMALL.subarray(0, SMALL.length - 1));
});

test('takes or refuses any bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        decode('Model', bytes);
      } catch (error) {
        assert.instance(error, ModelError);
      }
    }),
    { numRuns: 2000 },
  );
});

test('takes or refuses a model with any byte changed', () => {
  const at = fc.nat({ max: SMALL.length - 1 });
  fc.assert(
    fc.property(fc.array(fc.tuple(at, fc.nat({ max: 255 })), { minLength: 1, maxLength: 4 }), (changes) => {
      const bytes = Buffer.from(SMALL);
      for (const [where, value] of changes) bytes[where] = value;
      try {
        decode('Model', bytes);
      } catch (error) {
        assert.instance(error, ModelError);
      }
    }),
    { numRuns: 2000 },
  );
});

test('stops at a subgraph in a subgraph in a subgraph', () => {
  let inner = graph({});
  for (let depth = 0; depth < 40; depth++)
    inner = graph({ nodes: [node('If', [], ['y'], { body: subgraph(inner) })] });
  assert.match(refusal(encode('Model', { graph: inner })).message, /nests deeper/);
});

test('stops at too many nodes without holding them', () => {
  const nodes = Buffer.alloc(2 * (MOST_NODES + 1));
  for (let at = 0; at < nodes.length; at += 2) nodes[at] = 0x0a; // field 1 of Graph, 0 bytes
  const length = Buffer.from([
    0x3a,
    (nodes.length & 127) | 128,
    ((nodes.length >> 7) & 127) | 128,
    nodes.length >> 14,
  ]);
  assert.match(refusal(Buffer.concat([length, nodes])).message, /more than 100000 nodes/);
});

test('refuses lengths beyond the file and beyond what holds them', () => {
  assert.match(
    refusal(Buffer.from([0x3a, 0xff, 0xff, 0xff, 0xff, 0x0f])).message,
    /longer than what holds it/,
  );
  assert.match(
    refusal(Buffer.from([0x3a, 2, 0x12, 9, 65, 65, 65, 65, 65, 65, 65, 65, 65])).message,
    /longer than/,
  );
});

test('refuses two graphs: protobuf readers differ on what they mean', () => {
  const twice = Buffer.concat([SMALL, encode('Model', { graph: graph({}) })]);
  assert.match(refusal(twice).message, /two Graph/);
});

test('refuses groups and field number 0', () => {
  refusal(Buffer.from([0x0b]));
  refusal(Buffer.from([0x00, 0x00]));
});

const yolox = sharedPath('models/yolox-nano/yolox_nano.onnx');
if (yolox) {
  test('reads a detector', () => {
    const model = decode('Model', readFileSync(yolox));
    assert.is(model.graph!.node!.length, 369);
    assert.is(model.graph!.initializer!.length, 236);
  });
}

test.run();

/** Functions of one quantised number become tables: what ONNX says, but for a float32 on the edge between two steps. */

import { test } from 'uvu';
import { cases } from '../../../support/quantised-cases.ts';

const X = [1, 8, 6, 6];

const FUNCTIONS: Readonly<Record<string, Record<string, number>>> = {
  Abs: {},
  Elu: { alpha: 0.75 },
  HardSigmoid: { alpha: 0.25 },
  HardSwish: {},
  LeakyRelu: { alpha: 0.125 },
  Neg: {},
  Sigmoid: {},
  Softplus: {},
  Tanh: {},
};
for (const [op, attributes] of Object.entries(FUNCTIONS)) {
  cases(
    op,
    (writer) => {
      writer.op(op, [writer.input('x', X)], 'y', attributes);
      const scale = writer.between(0.008, 0.016);
      writer.output('y', X, scale, writer.zeroPoint());
      return scale;
    },
    { least: 0.98 },
  );
}

cases(
  'SiLU, its sigmoid quantised or not,',
  (writer) => {
    const x = writer.input('x', X);
    const sigmoid = writer.op('Sigmoid', [x], 's');
    const kept =
      writer.between(0, 1) < 0.5 ? sigmoid : writer.quantised(sigmoid, 1 / 256, writer.zeroPoint());
    writer.op('Mul', [x, kept], 'y');
    const scale = writer.between(0.008, 0.016);
    writer.output('y', X, scale, writer.zeroPoint());
    return scale;
  },
  { least: 0.98 },
);

test.run();

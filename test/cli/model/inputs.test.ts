/** Files on the command line as tensors: every way they are given, and what is said of those that do not fit. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readFeeds } from '../../../runtime/cli/model/inputs.ts';
import { parseNpy } from '../../../runtime/cli/model/npy.ts';
import { parseShapes } from '../../../runtime/cli/model/shapes.ts';
import { size, table } from '../../../runtime/cli/model/table.ts';
import { toNumbers } from '../../../runtime/cli/model/tensors.ts';
import { InputError, VigieError } from '../../../runtime/core/errors.ts';
import type { TensorInfo, TensorType } from '../../../runtime/pipeline/inference/session.ts';

const folder = mkdtempSync(join(tmpdir(), 'vigie-inputs-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));

const put = (name: string, content: string | Uint8Array): string => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};
const info = (shape: number[], type: TensorType = 'float32', name = 'x'): TensorInfo => ({
  name,
  type,
  shape,
});
const feeds = (args: string[], infos: TensorInfo[], shapes: string[] = []) =>
  readFeeds(args, infos, parseShapes(shapes)).map(({ inputs }) =>
    Object.values(inputs).map((tensor) => [tensor.shape, toNumbers(tensor)]),
  );

function npy(descr: string, shape: string, data: Uint8Array): Uint8Array {
  const header = `${`{'descr': '${descr}', 'fortran_order': False, 'shape': ${shape}, }`.padEnd(117)}\n`;
  const start = Buffer.alloc(10);
  start.write('\x93NUMPY\x01\x00', 'latin1');
  start.writeUInt16LE(header.length, 8);
  return Buffer.concat([start, Buffer.from(header, 'latin1'), data]);
}
const bytes = (array: Float32Array | BigInt64Array) => new Uint8Array(array.buffer);

test('CSV: a row is an input, names above are passed over; a column can be one window', () => {
  const rows = put('rows.csv', 'a,b,c\n1,2,3\n\n4,5,-6e-1\r\n');
  assert.equal(feeds([rows], [info([-1, 3])]), [
    [
      [
        [1, 3],
        [1, 2, 3],
      ],
    ],
    [
      [
        [1, 3],
        [4, 5, Math.fround(-0.6)],
      ],
    ],
  ]);
  const column = put('column.csv', '1\n2\n3\n');
  assert.equal(feeds([column], [info([1, 3])]), [
    [
      [
        [1, 3],
        [1, 2, 3],
      ],
    ],
  ]);
  assert.equal(feeds([put('semi.csv', '1;nan\n')], [info([1, 2])]), [
    [
      [
        [1, 2],
        [1, Number.NaN],
      ],
    ],
  ]);
});

test('JSON: nested lists give the shape, a flat one takes the model’s, several inputs go by name', () => {
  assert.equal(feeds([put('a.json', '[[1,2],[3,4]]')], [info([-1, 2])]), [
    [
      [
        [2, 2],
        [1, 2, 3, 4],
      ],
    ],
  ]);
  assert.equal(feeds([put('b.json', '[1,2,3,4]')], [info([1, 2, 2])]), [
    [
      [
        [1, 2, 2],
        [1, 2, 3, 4],
      ],
    ],
  ]);
  const two = [info([2]), info([], 'int64', 'sr')];
  assert.equal(feeds([put('c.json', '{ "x": [1, 2], "sr": 16000 }')], two), [
    [
      [[2], [1, 2]],
      [[], [16000]],
    ],
  ]);
});

test('.npy and raw elements, with shapes from the file, the model or the command line', () => {
  const four = Float32Array.of(1, 2, 3, 4);
  assert.equal(feeds([put('a.npy', npy('<f4', '(2, 2)', bytes(four)))], [info([-1, 2])]), [
    [
      [
        [2, 2],
        [1, 2, 3, 4],
      ],
    ],
  ]);
  const raw = put('a.f32', bytes(four));
  assert.equal(feeds([raw], [info([-1, 2])]), [
    [
      [
        [2, 2],
        [1, 2, 3, 4],
      ],
    ],
  ]);
  assert.equal(feeds([raw], [info([-1, -1])], ['x=4x1']), [
    [
      [
        [4, 1],
        [1, 2, 3, 4],
      ],
    ],
  ]);
  const long = put('i.npy', npy('<i8', '()', bytes(BigInt64Array.of(16000n))));
  assert.equal(feeds([`x=${raw}`, `sr=${long}`], [info([4]), info([], 'int64', 'sr')]), [
    [
      [[4], [1, 2, 3, 4]],
      [[], [16000]],
    ],
  ]);
  assert.equal(feeds([put('h.raw', Uint8Array.of(0, 0x3c, 0, 0xc0))], [info([2], 'float16')]), [
    [[[2], [1, -2]]],
  ]);
});

const wrong: [what: string, args: () => string[], infos: TensorInfo[], code: string, says: RegExp][] = [
  ['no such file', () => ['none.npy'], [info([1])], 'input-unreadable', /none\.npy.*ENOENT|none\.npy/],
  ['an unknown kind', () => [put('a.txt', '')], [info([1])], 'input-unreadable', /read are .*\.npy/],
  [
    'too few columns',
    () => [put('d.csv', '1,2\n')],
    [info([1, 3])],
    'tensor-shape',
    /2 columns in 1 rows; input 'x' is \[1, 3\], 3/,
  ],
  [
    'a word in a row',
    () => [put('e.csv', '1,2\n1,zwei\n')],
    [info([1, 2])],
    'tensor-unreadable',
    /e\.csv:2: 'zwei' is no number/,
  ],
  [
    'a short row',
    () => [put('f.csv', '1,2\n1\n')],
    [info([1, 2])],
    'tensor-unreadable',
    /f\.csv:2: 1 columns where the first row has 2/,
  ],
  ['an empty CSV', () => [put('g.csv', 'a,b\n')], [info([1, 2])], 'tensor-unreadable', /no row of numbers/],
  [
    'a ragged list',
    () => [put('h.json', '[[1,2],[3]]')],
    [info([2, 2])],
    'tensor-unreadable',
    /all of one length/,
  ],
  ['no JSON', () => [put('i.json', '[1,')], [info([2])], 'tensor-unreadable', /no JSON/],
  [
    'a flat list that is too long',
    () => [put('j.json', '[1,2,3]')],
    [info([1, 2])],
    'tensor-shape',
    /3 elements, input 'x' is \[1, 2\]/,
  ],
  [
    'half an element',
    () => [put('k.bin', new Uint8Array(6))],
    [info([1])],
    'tensor-shape',
    /6 bytes, no multiple of the 4/,
  ],
  [
    'two free dimensions',
    () => [put('l.bin', new Uint8Array(8))],
    [info([-1, -1])],
    'tensor-shape',
    /--shape x=/,
  ],
  [
    'a fraction for an integer',
    () => [put('m.csv', '1.5\n')],
    [info([1, 1], 'int64')],
    'tensor-value',
    /1\.5 is no whole number/,
  ],
  [
    '300 for a byte',
    () => [put('n.csv', '300\n')],
    [info([1, 1], 'uint8')],
    'tensor-value',
    /300 is out of range/,
  ],
  [
    'another type',
    () => [put('o.npy', npy('<i8', '(1,)', new Uint8Array(8)))],
    [info([1])],
    'tensor-type',
    /holds int64, input 'x' is float32/,
  ],
  [
    'two inputs, no name',
    () => [put('p.bin', '')],
    [info([1]), info([1], 'int8', 'y')],
    'usage',
    /2 inputs \(x, y\).*NAME=/,
  ],
  [
    'an input left out',
    () => [`x=${put('q.bin', new Uint8Array(4))}`],
    [info([1]), info([1], 'int8', 'y')],
    'usage',
    /nothing was given for y/,
  ],
];

for (const [what, args, infos, code, says] of wrong) {
  test(`${what}: ${code}`, () => {
    try {
      feeds(args(), infos);
    } catch (error) {
      assert.instance(error, InputError);
      assert.is((error as InputError).code, code);
      assert.match((error as InputError).message, says);
      return;
    }
    assert.unreachable();
  });
}

test('--shape: names may hold an equals sign; what is no shape is refused', () => {
  assert.equal(parseShapes(['a=b=1x2', 'c=3,4', 'sr=scalar']), { 'a=b': [1, 2], c: [3, 4], sr: [] });
  for (const text of ['x', 'x=', '=1', 'x=1x', 'x=-1', 'x=99999999999'])
    assert.throws(() => parseShapes([text]), /--shape takes/);
});

test('whatever the bytes of a .npy file are, it is an array or an error with a code', () => {
  const good = npy('<f4', '(2, 2)', new Uint8Array(16));
  const damage = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(damage, fc.nat(good.length), (changes, length) => {
      const broken = Uint8Array.from(good);
      for (const [at, value] of changes) broken[at] = value;
      try {
        parseNpy(broken.subarray(0, length), 'x.npy');
      } catch (error) {
        assert.instance(error, VigieError);
      }
    }),
  );
});

test('tables align, sizes have units', () => {
  assert.is(
    table(
      ['op', 'n'],
      [
        ['Conv', 12],
        ['Relu', 3],
      ],
    ),
    'op     n\nConv  12\nRelu   3\n',
  );
  assert.equal([0, 999, 1000, 3.66e6, 5e9].map(size), ['0 B', '999 B', '1.0 kB', '3.7 MB', '5.0 GB']);
});

test.run();

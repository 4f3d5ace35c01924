/** `vigie model`, run as a person runs it: from an ONNX file to results. */

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { vigie, vigieHere } from '../../support/cli.ts';
import { classifier, writeAll } from './made-models.ts';

const folder = mkdtempSync(join(tmpdir(), 'vigie-model-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));
const files = writeAll(folder);
const at = (name: string) => join(folder, name);

const model = (...args: string[]) => vigieHere(['model', ...args]);
async function json(...args: string[]) {
  const { code, stdout, stderr } = await model(...args, '--json');
  assert.is(stderr, '');
  return { code, ...JSON.parse(stdout) };
}

test('two commands from an ONNX file to detections, each a process of its own', async () => {
  const plan = at('detector.xnn');
  const compiled = await vigie(['model', 'compile', files.detector, '--backend', 'xnnpack', '-o', plan]);
  assert.is(compiled.code, 0, compiled.stderr);
  assert.match(compiled.stdout, /Against ONNX Runtime, on 3 sets of inputs:\noutput .*\n *y +7 .* same\n/);
  assert.match(compiled.stdout, `Run it: vigie model run ${plan} INPUT\n`);
  const found = await vigie(['model', 'run', plan, files.red]);
  assert.is(found.code, 0, found.stderr);
  assert.match(found.stdout, /label +score +x +y +width +height\nred +1\.000 +8 +6 +16 +4\n/);
  assert.match(found.stderr, /^1 on xnnpack in /);
});

test('run: the same detections from plan, model and manifest; classes; scores of rows', async () => {
  await model('compile', files.detector);
  const expected = [{ label: 'blue', score: 0.8, box: [4, 6, 8, 4] }];
  for (const file of [files.detector, at('detector.xnn'), files.detectorManifest]) {
    const { results, code } = await json('run', file, files.blue);
    const near = results[0].detections.map((one: { score: number; box: number[] }) => ({
      ...one,
      score: Number(one.score.toFixed(3)),
      box: one.box.map(Math.round),
    }));
    assert.equal([code, near], [0, expected], file);
  }
  const classes = await model('run', files.classifier, files.blue, '--backend', 'onnxruntime');
  assert.equal(classes.stdout, `${files.blue}\nclass  score\nblue   0.800\n`);
  writeFileSync(at('rows.csv'), 'a,b,c\n1,2,3\n4,5,6\n');
  const rows = await json('run', files.rows, at('rows.csv'));
  assert.equal(
    rows.results.map(({ input, score, anomaly }: Record<string, unknown>) => [input, score, anomaly]),
    [
      [`${at('rows.csv')}:2`, 6, false],
      [`${at('rows.csv')}:3`, 15, true],
    ],
  );
});

test('run: an ONNX model on XNNPACK is compiled for the occasion, and nothing is left behind', async () => {
  const left = () => readdirSync(tmpdir()).filter((name) => name.startsWith('vigie-plan-'));
  const before = left();
  const { backend, results } = await json('run', files.classifier, files.red, '--backend', 'xnnpack');
  assert.is(backend, 'xnnpack');
  assert.is(results[0].classes[0].label, 'red');
  assert.equal(
    left().filter((name) => !before.includes(name)),
    [],
  );
});

test('run without a manifest: tensors in, tensors out', async () => {
  writeFileSync(at('ones.json'), JSON.stringify([[1, -1, 0, 2]]));
  const { results, passedOver } = await json('run', files.unsupported, at('ones.json'));
  const { type, shape, data } = results[0].outputs.y;
  assert.equal([type, shape], ['float32', [1, 4]]);
  assert.equal(
    data.map((value: number) => Number(value.toFixed(3))),
    [0.843, 0, 0, 0.995],
  );
  assert.equal(
    passedOver.map(({ code }: { code: string }) => code),
    ['no-artifact'],
  );
  const text = await model('run', files.unsupported, at('ones.json'));
  assert.match(text.stdout, /^output +tensor +values\ny +float32 \[1, 4\] +0\.84/m);
});

test('compile: each node that is in the way, with the reason; nothing is written', async () => {
  const output = at('unsupported.xnn');
  const { code, stdout, stderr } = await model('compile', files.unsupported);
  assert.equal([code, stdout], [1, '']);
  assert.match(
    stderr,
    /cannot be compiled for XNNPACK because of these nodes:\nnode +op +reason\nthe odd one +Erf +/,
  );
  assert.match(stderr, /stays on ONNX Runtime/);
  assert.not.ok(existsSync(output));
  const { error } = await json('compile', files.unsupported);
  assert.is(error.code, 'model-unsupported');
  assert.equal(
    error.facts.nodes.map(({ node, op }: Record<string, string>) => [node, op]),
    [['the odd one', 'Erf']],
  );
});

test('compile replaces a plan whole, and leaves it alone where it fails', async () => {
  const output = at('kept.xnn');
  writeFileSync(output, 'before');
  await model('compile', files.unsupported, '-o', output);
  assert.is(readFileSync(output, 'utf8'), 'before');
  const { report, verification, code } = await json('compile', files.classifier, '-o', output);
  assert.equal([code, verification.passed], [0, true]);
  assert.ok(report.planNodes > 0);
  assert.is(readFileSync(output).toString('latin1', 0, 8), 'VIGIEXNN');
  assert.equal(
    readdirSync(folder).filter((name) => name.endsWith('.new')),
    [],
  );
});

test('compile: a free dimension is asked for, and given', async () => {
  const given = await json('compile', files.rows, '-o', at('rows.xnn'), '--shape', 'row=2x3');
  assert.is(given.code, 0);
  const facts = await json('inspect', at('rows.xnn'));
  assert.equal(facts.inputs, [{ name: 'row', type: 'float32', shape: [2, 3] }]);
});

test('verify: the plan of its own model agrees; the plan of another does not', async () => {
  const plan = at('own.xnn');
  await model('compile', files.classifier, '-o', plan);
  const same = await model('verify', plan, '--against', files.classifier);
  assert.equal([same.code, same.stderr], [0, '']);
  assert.match(same.stdout, /\ny +3 .* same\n/);
  const zeros = at('zeros.bin');
  writeFileSync(zeros, new Uint8Array(4 * 3 * 64));
  const golden = await json('verify', plan, '--against', files.classifier, zeros);
  assert.equal([golden.code, golden.samples], [0, 1]);
  const other = at('other.onnx');
  writeFileSync(other, classifier('GlobalMaxPool'));
  const odd = await json('verify', plan, '--against', other);
  assert.equal([odd.code, odd.passed], [1, false]);
  const text = await model('verify', plan, '--against', other);
  assert.match(text.stderr, /does not answer as ONNX Runtime does: 'y': .*compile it again/);
});

test('inspect: of a model, of a plan, of a manifest, as text and JSON', async () => {
  const text = await model('inspect', files.detector);
  assert.match(text.stdout, /ONNX model, .*operator set 17/);
  assert.match(text.stdout, /input +x +float32 \[1, 3, 8, 8\]\noutput +y +float32 \[1, 7, 1\]/);
  assert.match(text.stdout, /XNNPACK +can run all of it/);
  const odd = await json('inspect', files.unsupported);
  assert.equal(odd.operators, { Erf: 1, Relu: 1 });
  assert.equal([odd.quantised, odd.xnnpack.compiles, odd.xnnpack.nodes[0].op], [false, false, 'Erf']);
  await model('compile', files.detector);
  const plan = await model('inspect', at('detector.xnn'));
  assert.match(plan.stdout, /XNNPACK plan, .*compiled from detector by vigie \d/);
  const manifest = await model('inspect', files.detectorManifest);
  assert.match(manifest.stdout, /detector 1\.0\.0, detection\n/);
});

const wrong: [what: string, args: () => string[], code: string, says: RegExp][] = [
  [
    'no such model',
    () => ['run', at('none.onnx'), files.red],
    'model-unreadable',
    /cannot read the model .*none\.onnx/,
  ],
  [
    'a picture without a manifest',
    () => ['run', files.unsupported, files.red],
    'manifest-missing',
    /--manifest/,
  ],
  [
    'a picture for rows',
    () => ['run', files.rows, files.red],
    'manifest-missing',
    /its manifest is for anomaly/,
  ],
  [
    'no picture',
    () => {
      writeFileSync(at('torn.png'), 'PNG?');
      return ['run', files.classifier, at('torn.png')];
    },
    'bad-picture',
    /./,
  ],
  [
    'a torn plan',
    () => {
      writeFileSync(at('torn.xnn'), 'VIGIEXNN and nothing more');
      return ['run', at('torn.xnn'), files.red];
    },
    'no-backend',
    /torn\.xnn/,
  ],
  ['a torn plan to inspect', () => ['inspect', at('torn.xnn')], 'bad-model', /cut short/],
  [
    'no ONNX',
    () => {
      writeFileSync(at('text.onnx'), 'no model at all');
      return ['compile', at('text.onnx')];
    },
    'onnx-malformed',
    /text\.onnx/,
  ],
  [
    'a manifest for another model',
    () => ['run', files.classifier, files.red, '--manifest', files.detectorManifest],
    'bad-model',
    /'y' is .*\[1, 7, 1\]/,
  ],
  [
    'no manifest',
    () => ['run', files.classifier, files.red, '--manifest', at('none.json')],
    'manifest-invalid',
    /none\.json/,
  ],
  [
    'no such profile',
    () => ['run', files.classifier, files.red, '--profile', 'toaster'],
    'device-profile-unknown',
    /toaster/,
  ],
  [
    'a backend that is not here',
    () => ['run', files.classifier, files.red, '--backend', 'tensorrt'],
    'no-backend',
    /tensorrt: /,
  ],
  [
    'verify of a model',
    () => ['verify', files.classifier, '--against', files.classifier],
    'model-kind',
    /is no plan/,
  ],
  ['a shape the graph does not take', () => ['compile', files.rows, '--shape', 'row=2x5'], '', /row/],
];

for (const [what, args, code, says] of wrong) {
  test(`${what}: ends with 1 and says what to do, as text and as JSON`, async () => {
    const text = await model(...args());
    assert.equal([text.code, text.stdout], [1, ''], text.stderr);
    assert.match(text.stderr, says);
    assert.not.match(text.stderr, /\n {4}at /);
    const { error } = await json(...args());
    if (code) assert.is(error.code, code);
    assert.match(error.message, says);
  });
}

const usage: [args: string[], says: RegExp][] = [
  [[], /name one of fetch, inspect, compile, run, verify, bench/],
  [['sing'], /unknown action 'sing'; there are: fetch, inspect/],
  [['inspect'], /name one file/],
  [['compile'], /name one ONNX model/],
  [['compile', 'a.onnx', '--backend', 'tensorrt'], /built on the board itself/],
  [['compile', 'a.onnx', '--shape', 'x'], /--shape takes/],
  [['run', 'a.onnx'], /name what to run a\.onnx on/],
  [
    ['run', 'a.onnx', 'b.jpg', '--backend', 'abacus'],
    /--backend takes one of xnnpack, tensorrt, onnxruntime, found 'abacus'/,
  ],
  [['run', 'a.onnx', 'b.jpg', '--threads', 'many'], /--threads takes a whole number/],
  [['verify', 'a.xnn'], /--against/],
  [['bench'], /name one model/],
];

for (const [args, says] of usage) {
  test(`vigie model ${args.join(' ')}: ends with 2`, async () => {
    const { code, stdout, stderr } = await model(...args);
    assert.equal([code, stdout], [2, ''], stderr);
    assert.match(stderr, says);
    assert.match(stderr, 'Try: vigie model --help');
  });
}

for (const action of ['fetch', 'inspect', 'compile', 'run', 'verify', 'bench']) {
  test(`vigie model ${action} --help: usage, an example, exit status`, async () => {
    const { code, stdout } = await model(action, '--help');
    assert.is(code, 0);
    assert.ok(stdout.startsWith(`Usage: vigie model ${action} `), stdout.slice(0, 60));
    assert.match(stdout, /Examples?:\n +vigie model/);
    assert.match(stdout, /Exit status: 0 .*1 .*2 the command line was not understood/);
    for (const line of stdout.split('\n')) assert.ok(line.length <= 110, line);
  });
}

test.run();

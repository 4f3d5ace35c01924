import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { sharedPath } from '../support/shared.ts';
import { type Outcome, table } from './conformance/outcome.ts';
import { conformance } from './onnx-conformance.ts';

const archive = sharedPath('data/onnx-node-tests/dev_tests.tar.gz');

const wrong = (outcomes: readonly Outcome[]) => outcomes.filter(({ result }) => result === 'wrong');
const passed = (outcomes: readonly Outcome[]) => outcomes.filter(({ result }) => result === 'pass').length;

if (archive) {
  test('ONNX Runtime passes every node test', async () => {
    const outcomes = await conformance(archive, 'onnxruntime');
    assert.equal(wrong(outcomes), []);
    assert.is(passed(outcomes), 151);
  });

  test('XNNPACK gives no wrong answer, and a reason for each test it does not take', async () => {
    const outcomes = await conformance(archive, 'xnnpack');
    console.log(table('xnnpack', outcomes));
    assert.equal(wrong(outcomes), []);
    assert.ok(passed(outcomes) >= 107, `${passed(outcomes)} passed`);
    for (const { result, code, reason } of outcomes) if (result === 'unsupported') assert.ok(code && reason);
  });
}

test.run();

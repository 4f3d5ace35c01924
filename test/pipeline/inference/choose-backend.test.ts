import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ModelError } from '../../../runtime/core/errors.ts';
import { createLog } from '../../../runtime/core/log.ts';
import {
  type ChoiceOptions,
  openModel,
  unavailableBackends,
} from '../../../runtime/pipeline/inference/choose-backend.ts';
import type { BackendName, Session } from '../../../runtime/pipeline/inference/session.ts';

const ORDER = ['tensorrt', 'xnnpack', 'onnxruntime'] as const;
const FILES = { tensorrt: 'm.engine', xnnpack: 'm.xnn', onnxruntime: 'm.onnx' };

function harness(failing: readonly BackendName[]) {
  const lines: { event: string; backend: string; level: string }[] = [];
  const loaded: string[] = [];
  const options: ChoiceOptions = {
    model: 'gate',
    order: ORDER,
    artifacts: FILES,
    unavailable: new Map(),
    log: createLog('debug', (line) => lines.push(JSON.parse(line))),
    session: { threads: 2 },
    load: async ({ path, backend }, session) => {
      assert.equal(session, { threads: 2 });
      loaded.push(path);
      if (failing.includes(backend!)) {
        throw new ModelError('model-memory', `${path} needs more`, { cause: new Error('much more') });
      }
      return { describe: () => ({ backend }) } as unknown as Session;
    },
  };
  return { options, lines, loaded };
}

test('the first backend of the profile is taken when it loads', async () => {
  const { options, loaded, lines } = harness([]);
  const { chosen, passedOver, session } = await openModel(options);
  assert.is(chosen, 'tensorrt');
  assert.is(session.describe().backend, 'tensorrt');
  assert.equal(passedOver, []);
  assert.equal(loaded, ['m.engine']);
  assert.equal(
    lines.map(({ event }) => event),
    ['inference.backend.chosen'],
  );
});

test('each earlier backend is passed over for a reason, which is logged once', async () => {
  const { options, lines, loaded } = harness(['xnnpack']);
  const choice = await openModel({
    ...options,
    unavailable: new Map([['tensorrt', 'libnvinfer.so.10 is not there']]),
  });
  assert.is(choice.chosen, 'onnxruntime');
  assert.equal(choice.passedOver, [
    { backend: 'tensorrt', code: 'backend-unavailable', reason: 'libnvinfer.so.10 is not there' },
    { backend: 'xnnpack', code: 'model-memory', reason: 'm.xnn needs more: much more' },
  ]);
  assert.equal(loaded, ['m.xnn', 'm.onnx']);
  assert.equal(
    lines.map(({ event, backend, level }) => [event, backend, level]),
    [
      ['inference.backend.passed-over', 'tensorrt', 'warn'],
      ['inference.backend.passed-over', 'xnnpack', 'warn'],
      ['inference.backend.chosen', 'onnxruntime', 'info'],
    ],
  );
});

test('a backend the model has no file for is passed over without alarm', async () => {
  const { options, lines } = harness([]);
  const choice = await openModel({ ...options, artifacts: { xnnpack: 'm.xnn' } });
  assert.is(choice.chosen, 'xnnpack');
  assert.equal(
    choice.passedOver.map(({ backend, code }) => [backend, code]),
    [['tensorrt', 'no-artifact']],
  );
  assert.is(lines[0]!.level, 'debug');
});

test('when none is left the error holds every reason', async () => {
  const { options, lines } = harness(['tensorrt', 'onnxruntime']);
  const error = await openModel({ ...options, artifacts: { tensorrt: 'a', onnxruntime: 'b' } }).catch(
    (e) => e,
  );
  assert.instance(error, ModelError);
  assert.is(error.code, 'no-backend');
  assert.match(
    error.message,
    /gate: tensorrt: a needs more.*; xnnpack: .*no file.*; onnxruntime: b needs more/,
  );
  assert.is(error.facts.passedOver.length, 3);
  assert.is(lines.length, 3);
  const none = await openModel({ ...options, order: [] }).catch((e) => e);
  assert.is(none.code, 'no-backend');
});

test('this machine has XNNPACK and ONNX Runtime', async () => {
  const unavailable = await unavailableBackends();
  assert.not.ok(unavailable.has('xnnpack'));
  assert.not.ok(unavailable.has('onnxruntime'));
});

test.run();

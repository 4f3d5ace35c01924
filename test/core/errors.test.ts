import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  DeliveryError,
  DeviceError,
  describeError,
  InputError,
  ModelError,
  StorageError,
  UsageError,
  VigieError,
} from '../../runtime/core/errors.ts';

test('the text of an error tells its causes, down to the last', () => {
  const disk = Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC' });
  const error = new StorageError('state-write', 'cannot write a', {
    cause: new DeviceError('x', 'card', { cause: disk }),
  });
  assert.is(describeError(error), 'cannot write a: card: ENOSPC: no space left');
});

test('anything thrown has a text', () => {
  for (const [thrown, text] of [
    ['text', 'text'],
    [undefined, 'undefined'],
    [null, 'null'],
    [7, '7'],
    [new Error('a', { cause: 'b' }), 'a: b'],
    [new Error('a', { cause: undefined }), 'a'],
    [new Error('a', { cause: null }), 'a: null'],
    [new Error(''), ''],
  ] as const)
    assert.is(describeError(thrown), text);
});

test('a circle of causes ends', () => {
  const error = new Error('a');
  error.cause = new Error('b', { cause: error });
  assert.match(describeError(error), /^a: b/);
});

test('each class has its name; only what may pass by itself is retryable', () => {
  for (const Class of [InputError, UsageError, DeviceError, StorageError, DeliveryError, ModelError]) {
    const error = new Class('some-code', 'text');
    assert.ok(error instanceof VigieError);
    assert.equal(
      [error.name, error.code, error.retryable, error.facts],
      [Class.name, 'some-code', false, {}],
    );
    assert.not('cause' in error && error.cause !== undefined);
  }
  assert.ok(new UsageError('usage', '') instanceof InputError);
  const error = new DeliveryError('busy', 'later', { retryable: true, facts: { waiting: 16 } });
  assert.equal([error.retryable, error.facts], [true, { waiting: 16 }]);
});

test.run();

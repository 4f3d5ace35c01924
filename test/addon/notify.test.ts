/** Messages to the service manager, through the addon to a real datagram socket. */

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { notify } from '../../runtime/addon/notify.ts';
import { VigieError } from '../../runtime/core/errors.ts';
import { notifySocket } from '../support/notify-socket.ts';
import { waitFor } from '../support/wait.ts';

for (const abstract of [false, true]) {
  test(`a message arrives whole and at once, ${abstract ? 'in the abstract namespace' : 'by a path'}`, async () => {
    const socket = await notifySocket(abstract);
    notify(socket.address, 'READY=1\nSTATUS=läuft');
    notify(socket.address, 'WATCHDOG=1');
    await waitFor('both', () => socket.messages().length === 2);
    assert.equal(socket.messages(), [['READY=1', 'STATUS=läuft'], ['WATCHDOG=1']]);
    await socket.close();
  });
}

test('nobody listens: said, and worth another try', () => {
  const failed = (error: unknown) =>
    error instanceof VigieError && error.code === 'notify-failed' && error.retryable;
  assert.throws(() => notify('/nowhere/notify', 'READY=1'), failed);
  assert.throws(() => notify('@vigie-nobody-listens-here', 'READY=1'), failed);
});

test('what is no address is refused before the kernel sees it', () => {
  for (const address of [
    '',
    '/',
    '@',
    'relative/path',
    `/${'x'.repeat(107)}`,
    `@${'x'.repeat(200)}`,
    'vsock:2:1234',
  ]) {
    assert.throws(() => notify(address, 'READY=1'), /expected a path or @name of 2 to 107 bytes/, address);
  }
  // The longest that fits is tried.
  assert.throws(() => notify(`/${'x'.repeat(106)}`, 'READY=1'), /No such file or directory/);
});

test('a receiver that does not read stops nobody', async () => {
  const socket = await notifySocket();
  let refused = 0;
  for (let i = 0; i < 5000; i++) {
    try {
      notify(socket.address, 'WATCHDOG=1');
    } catch {
      refused += 1;
    }
  }
  assert.ok(refused < 5000);
  await socket.close();
});

test.run();

/** `vigie demo` where it cannot run. */

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { vigie } from '../support/cli.ts';
import { freePort } from '../support/mosquitto.ts';

test('a broker that cannot be reached ends the demo, its node and its plant with it', async () => {
  const port = await freePort();
  const broker = `mqtt://127.0.0.1:${await freePort()}`;
  // The command ends only once nothing that it started runs any more.
  const { code, stderr } = await vigie(['demo', '--port', String(port), '--broker', broker]);
  assert.is(code, 1);
  assert.match(stderr, /^vigie: cannot connect to the broker mqtt:.*ECONNREFUSED.*\n$/);
});

test.run();

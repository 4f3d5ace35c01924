/** A node that is killed is reported offline by the broker. */

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { packageRoot } from '../../runtime/core/paths.ts';
import { validateMessage } from '../contract/asyncapi.ts';
import { endAll, PREFIX, subscribe, until } from '../sinks/mqtt/harness.ts';
import { startMosquitto } from '../support/mosquitto.ts';

test.after(endAll);

for (const version of [5, 4]) {
  test(`the last will is seen and stays when the process is killed (MQTT ${version})`, async () => {
    const broker = await startMosquitto();
    const ears = await subscribe(broker.url, `${PREFIX}status`);
    const harness = join(packageRoot, 'test/sinks/mqtt/harness.ts');
    const code = `import { startRig } from ${JSON.stringify(harness)};
      await startRig({ url: ${JSON.stringify(broker.url)}, version: ${version} });
      setInterval(() => {}, 1000);`;
    const node = spawn(process.execPath, ['--input-type=module-typescript', '-e', code], {
      cwd: packageRoot,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    await until(() => ears.messages.some(({ body }) => body.state === 'online'), 'the birth message');
    node.kill('SIGKILL');
    await until(() => ears.messages.some(({ body }) => body.state === 'offline'), 'the last will');
    const late = await subscribe(broker.url, `${PREFIX}status`);
    await until(() => late.messages.length === 1, 'the retained will');
    const { topic, text, body } = late.messages[0]!;
    assert.equal([body.state, body.reason, body.bootId], ['offline', 'connection-lost', 'boot-1']);
    assert.equal(validateMessage(topic, text), []);
    await Promise.all([ears.close(), late.close()]);
    await broker.stop();
  });
}

test.run();

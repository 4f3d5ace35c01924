/** Secrets by reference: a file, or a systemd credential, loaded one by one or as a folder. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readSecret } from '../../runtime/config/secret.ts';

const folder = mkdtempSync(join(tmpdir(), 'vigie-secret-'));
const before = process.env.CREDENTIALS_DIRECTORY;
test.after(() => {
  if (before === undefined) delete process.env.CREDENTIALS_DIRECTORY;
  else process.env.CREDENTIALS_DIRECTORY = before;
  rmSync(folder, { recursive: true, force: true });
});

test('a credential by its own name, else from the folder that vigie.service loads', () => {
  process.env.CREDENTIALS_DIRECTORY = folder;
  writeFileSync(join(folder, 'vigie_mqtt'), 'of the folder\n');
  assert.is(readSecret('credential:mqtt'), 'of the folder');
  writeFileSync(join(folder, 'mqtt'), 'its own');
  assert.is(readSecret('credential:mqtt'), 'its own');
  assert.throws(() => readSecret('credential:none'), /cannot read the secret credential:none/);
});

test('without credentials it is said how to get them', () => {
  delete process.env.CREDENTIALS_DIRECTORY;
  assert.throws(() => readSecret('credential:mqtt'), /needs systemd credentials.*LoadCredential/);
});

test.run();

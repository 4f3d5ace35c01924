import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import { sessionContract } from '../../contract/session-contract.ts';
import { addPlan, slowPlan } from '../../support/tiny-models.ts';

const folder = mkdtempSync(join(tmpdir(), 'vigie-xnnpack-session-'));
test.after(() => rmSync(folder, { recursive: true }));
const add = join(folder, 'add.xnn');
const slow = join(folder, 'slow.xnn');
writeFileSync(add, addPlan());
writeFileSync(slow, slowPlan(150));

sessionContract({ backend: 'xnnpack', add, slow, folder, rounds: 100, terminable: true });

test.run();

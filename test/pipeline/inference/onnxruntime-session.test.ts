import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import { sessionContract } from '../../contract/session-contract.ts';
import { addOnnx, slowOnnx } from '../../support/tiny-models.ts';

const folder = mkdtempSync(join(tmpdir(), 'vigie-onnxruntime-session-'));
test.after(() => rmSync(folder, { recursive: true }));
const add = join(folder, 'add.onnx');
const slow = join(folder, 'slow.onnx');
writeFileSync(add, addOnnx());
writeFileSync(slow, slowOnnx(150));

// onnxruntime-node aborts the process when a thread is ended while it works there.
sessionContract({ backend: 'onnxruntime', add, slow, folder, rounds: 15, terminable: false });

test.run();

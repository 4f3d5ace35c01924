/** A plan for the length of one command, so that an ONNX model can be tried on XNNPACK as it is. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, extname, join } from 'node:path';
import type { NamedShapes } from './shapes.ts';

export interface TemporaryPlan {
  readonly path: string;
  remove(): void;
}

/** @throws ModelError `model-unsupported` and all errors of reading a model. */
export async function compiledPlan(model: string, shapes: NamedShapes = {}): Promise<TemporaryPlan> {
  // Workstation code: a node that runs plans never loads it.
  const { compileModel } = await import('../../../ota/model/compile.ts');
  const { bytes } = await compileModel({ path: model, shapes });
  return keepPlan(bytes, basename(model, extname(model)));
}

export function keepPlan(bytes: Uint8Array, name: string): TemporaryPlan {
  const folder = mkdtempSync(join(tmpdir(), 'vigie-plan-'));
  const path = join(folder, `${name}.xnn`);
  writeFileSync(path, bytes);
  return { path, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

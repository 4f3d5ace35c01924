/** What kind of file a model is, by its content where it has a mark and by its name where it has none. */

import { closeSync, openSync, readSync } from 'node:fs';
import { extname } from 'node:path';
import { InputError } from '../../core/errors.ts';

export type ModelKind = 'onnx' | 'plan' | 'manifest';

const PLAN_MAGIC = 'VIGIEXNN';

/** @throws InputError `model-unreadable`. */
export function kindOf(file: string): ModelKind {
  const start = Buffer.alloc(PLAN_MAGIC.length);
  try {
    const fd = openSync(file, 'r');
    try {
      readSync(fd, start, 0, start.length, 0);
    } finally {
      closeSync(fd);
    }
  } catch (cause) {
    throw new InputError('model-unreadable', `cannot read the model ${file}`, { cause, facts: { file } });
  }
  if (start.toString('latin1') === PLAN_MAGIC) return 'plan';
  return extname(file).toLowerCase() === '.json' ? 'manifest' : 'onnx';
}

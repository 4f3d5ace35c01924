/** Writes a plan file: the reader is native/backends/xnnpack. The format is described in plan.ts. */

import { crc32 } from 'node:zlib';
import { ModelError } from '../../../runtime/core/errors.ts';
import { PLAN_MAGIC, PLAN_VERSION, type Plan } from './plan.ts';

export const PLAN_FIXED_BYTES = 64;
const PAGE = 4096;
export const MOST_HEADER_BYTES = 8 * 1024 * 1024;
/** XNNPACK's kernels may read this far behind a constant. */
export const BYTES_BEHIND_WEIGHTS = 128;

/**
 * @param weights what the blobs of the plan point into; see PlanBuilder
 * @returns the bytes of the file
 * @throws ModelError `model-too-large` when the header would be longer than a reader takes
 */
export function writePlan(plan: Plan, weights: Uint8Array): Uint8Array {
  const header = Buffer.from(JSON.stringify(plan));
  if (header.length > MOST_HEADER_BYTES) {
    throw new ModelError(
      'model-too-large',
      `the plan of ${plan.model.name} has ${plan.nodes.length} nodes, a header of ${header.length} bytes; ` +
        `at most ${MOST_HEADER_BYTES} bytes fit: keep this model on ONNX Runtime`,
    );
  }
  const offset = Math.ceil((PLAN_FIXED_BYTES + header.length) / PAGE) * PAGE;
  const file = Buffer.alloc(offset + weights.length);
  file.write(PLAN_MAGIC, 0, 'latin1');
  file.writeUInt32LE(PLAN_VERSION, 8);
  file.writeUInt32LE(header.length, 12);
  file.writeBigUInt64LE(BigInt(offset), 16);
  file.writeBigUInt64LE(BigInt(weights.length), 24);
  file.writeUInt32LE(crc32(weights, crc32(header)), 32);
  header.copy(file, PLAN_FIXED_BYTES);
  file.set(weights, offset);
  return file;
}

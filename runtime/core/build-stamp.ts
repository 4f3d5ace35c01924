/** When this software was made: a node without a clock knows at least that it is not earlier. */

import { join } from 'node:path';
import { readJsonFile } from './atomic-file.ts';
import { packageRoot } from './paths.ts';
import { type EpochMillis, epochMillis } from './units.ts';

/** `{ "built": seconds since 1970 }`, beside the compiled node; scripts/build-stamp.ts writes it. */
export const BUILD_FILE = 'build.json';

/** @param root of the package. @returns 0 where nothing says so: sources without a build, or a stamp that cannot be read. */
export function builtAt(root = packageRoot): EpochMillis {
  try {
    const { built } = (readJsonFile(join(root, 'dist', BUILD_FILE)) ?? {}) as { built?: unknown };
    return epochMillis(Number.isSafeInteger(built) ? (built as number) * 1000 : 0);
  } catch {
    return epochMillis(0);
  }
}

/** Recordings and models that are not part of the repository; tests that need them skip with a notice. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../runtime/core/paths.ts';

/** The path of a file beside the checkout, or undefined (and a notice) where it is absent. */
export function sharedPath(relativePath: string): string | undefined {
  const path = join(process.env.VIGIE_SHARED ?? join(packageRoot, '..', 'shared'), relativePath);
  if (existsSync(path)) return path;
  console.log(`skip: ${relativePath} is not here; set VIGIE_SHARED to the folder that holds it`);
  return undefined;
}

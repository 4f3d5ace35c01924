/** Where the project's own files lie, from the sources (`runtime/…`) and from the build (`dist/runtime/…`) alike. */

import { existsSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { VigieError } from './errors.ts';

/** The folder that holds package.json. */
export const packageRoot: string = findRoot(dirname(fileURLToPath(import.meta.url)));

/** The URL of a module beside the caller's, with the extension the caller runs under: `.ts` or, built, `.js`. */
export function siblingModule(callerUrl: string, name: string): URL {
  return new URL(`${name}${extname(new URL(callerUrl).pathname)}`, callerUrl);
}

function findRoot(from: string): string {
  if (existsSync(join(from, 'package.json'))) return from;
  const parent = dirname(from);
  if (parent === from) throw new VigieError('package-root', `no package.json above ${import.meta.url}`);
  return findRoot(parent);
}

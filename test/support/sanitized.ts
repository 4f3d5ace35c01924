/** Programs of native code under sanitizers. Objects are kept in build/checks: what did not change is not compiled again. */

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { packageRoot } from '../../runtime/core/paths.ts';

const run = promisify(execFile);

const SANITIZE = ['-fsanitize=address,undefined', '-fno-sanitize-recover=all'];
const STRICT = [
  '-std=gnu++20',
  '-O1',
  '-g1',
  '-D_GLIBCXX_ASSERTIONS',
  '-Wall',
  '-Wextra',
  '-Werror',
  '-Inative',
];

export interface SanitizedOptions {
  /** Of one test file alone. */
  readonly name: string;
  /** Patterns from the package's root. */
  readonly sources: readonly string[];
  /** Besides warnings and sanitizers. */
  readonly flags?: readonly string[];
  /** For the linker. */
  readonly libraries?: readonly string[];
}

/** @returns the path of the program. */
export async function sanitizedProgram(options: SanitizedOptions): Promise<string> {
  const { name, flags = [], libraries = [] } = options;
  const folder = join(packageRoot, 'build/checks', name);
  mkdirSync(folder, { recursive: true });
  const compile = [...STRICT, ...SANITIZE, ...flags];
  const { stdout: compiler } = await run('g++', ['--version']);
  const shared = hashOf(
    compiler,
    ...compile,
    ...globSync('native/**/*.h', { cwd: packageRoot }).sort().map(read),
  );
  const sources = globSync([...options.sources], { cwd: packageRoot }).sort();
  const objects = new Map(
    sources.map((source) => [source, join(folder, `${hashOf(shared, source, read(source))}.o`)]),
  );
  const queue = [...objects].filter(([, object]) => !existsSync(object));
  // Two at a time: one after the other takes too long.
  const work = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      const [source, object] = next;
      await run('g++', [...compile, '-c', source, '-o', `${object}.part`], { cwd: packageRoot });
      renameSync(`${object}.part`, object);
    }
  };
  await Promise.all([work(), work()]);
  const program = join(folder, name);
  await run('g++', [...SANITIZE, ...objects.values(), ...libraries, '-o', program]);
  const kept = new Set([program, ...objects.values()]);
  for (const old of readdirSync(folder).map((file) => join(folder, file))) if (!kept.has(old)) rmSync(old);
  return program;
}

const read = (path: string) => readFileSync(join(packageRoot, path), 'utf8');

function hashOf(...parts: readonly string[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(`${part.length} `).update(part);
  return hash.digest('hex').slice(0, 32);
}

/** Command lines of `vigie`, run from the sources to their end. */

import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { runCommand } from '../../runtime/cli/run-command.ts';
import { packageRoot } from '../../runtime/core/paths.ts';

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** As a process of its own, to be met while it runs. Its output is text. */
export function vigieProcess(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  cwd?: string,
): ChildProcessByStdio<null, Readable, Readable> {
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', join(packageRoot, 'runtime/main.ts'), ...args],
    { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env }, ...(cwd ? { cwd } : {}) },
  );
  child.stdout.setEncoding('utf8');
  child.stderr.setEncoding('utf8');
  return child;
}

/** As a process of its own, as a person starts it. */
export function vigie(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  cwd?: string,
): Promise<CliResult> {
  return new Promise((resolve) => {
    const child = vigieProcess(args, env, cwd);
    const out = { stdout: '', stderr: '' };
    child.stdout.on('data', (chunk: string) => {
      out.stdout += chunk;
    });
    child.stderr.on('data', (chunk: string) => {
      out.stderr += chunk;
    });
    child.once('close', (code) => resolve({ code, ...out }));
  });
}

/** In this process, many times faster: for commands that end by themselves and start nothing. One at a time. */
export async function vigieHere(args: readonly string[]): Promise<CliResult> {
  const out = { stdout: '', stderr: '' };
  const originals = { stdout: process.stdout.write, stderr: process.stderr.write };
  for (const name of ['stdout', 'stderr'] as const) {
    process[name].write = (text: string | Uint8Array) => {
      out[name] += text;
      return true;
    };
  }
  try {
    return { code: await runCommand(args), ...out };
  } finally {
    process.stdout.write = originals.stdout;
    process.stderr.write = originals.stderr;
  }
}

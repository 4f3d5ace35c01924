/**
 * A real node in a process of its own, run from the sources so that no test depends on an older build. Its folder
 * holds vigie.yaml and, unless another is named, its data.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { packageRoot } from '../../runtime/core/paths.ts';
import { waitFor } from './wait.ts';

export interface NodeFolder {
  readonly path: string;
  readonly configFile: string;
  readonly dataDir: string;
  /** Writes vigie.yaml, from an object or as the text given. */
  configure(config: object | string): void;
  remove(): void;
}

/** A line of the node's log. */
// biome-ignore lint/suspicious/noExplicitAny: tests look into log lines freely
export type LogLine = { event: string; level: string; message: string; [fact: string]: any };

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface RunningNode {
  readonly child: ChildProcess;
  /** The log so far. */
  readonly lines: readonly LogLine[];
  /** Lines of standard output that were no JSON. */
  readonly strays: readonly string[];
  stdout(): string;
  stderr(): string;
  readonly exit: Promise<Exit>;
  /** The first line of that event (from the `from`th line on) that satisfies the condition; waits for it. */
  logged(event: string, condition?: (line: LogLine) => boolean, from?: number): Promise<LogLine>;
  signal(signal: NodeJS.Signals): void;
  /** SIGTERM; with the exit and the line `node.stopped`. */
  stop(): Promise<Exit & { readonly late: readonly string[] }>;
}

const running = new Set<ChildProcess>();

/** Ends what a failed test left behind, so that its file ends too: `test.after(killNodes)`. */
export function killNodes(): void {
  for (const child of running) child.kill('SIGKILL');
}
process.once('exit', killNodes);

export function nodeFolder(config?: object | string): NodeFolder {
  const path = mkdtempSync(join(tmpdir(), 'vigie-node-'));
  const configFile = join(path, 'vigie.yaml');
  const dataDir = join(path, 'data');
  mkdirSync(dataDir);
  const configure = (next: object | string) =>
    writeFileSync(configFile, typeof next === 'string' ? next : stringify(next));
  if (config !== undefined) configure(config);
  return {
    path,
    configFile,
    dataDir,
    configure,
    remove: () => rmSync(path, { recursive: true, force: true }),
  };
}

export interface NodeOptions {
  readonly dataDir?: string;
  /** Further arguments of `vigie run`. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Another checkout than this one. */
  readonly root?: string;
}

export function runNode(
  folder: NodeFolder,
  { dataDir, args = [], env, root = packageRoot }: NodeOptions = {},
): RunningNode {
  const main = join(root, 'runtime/main.ts');
  const child = spawn(
    process.execPath,
    [
      '--disable-warning=ExperimentalWarning',
      main,
      'run',
      '--config',
      folder.configFile,
      '--data-dir',
      dataDir ?? folder.dataDir,
      ...args,
    ],
    { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } },
  );
  running.add(child);
  const lines: LogLine[] = [];
  const strays: string[] = [];
  const out = { stdout: '', stderr: '', rest: '' };
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    out.stdout += chunk;
    const parts = (out.rest + chunk).split('\n');
    out.rest = parts.pop()!;
    for (const part of parts) keep(part, lines, strays);
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    out.stderr += chunk;
  });
  let ended = false;
  const exit = new Promise<Exit>((resolve) =>
    child.once('close', (code, signal) => {
      ended = true;
      running.delete(child);
      resolve({ code, signal });
    }),
  );
  const find = (event: string, condition: (line: LogLine) => boolean, from: number) =>
    lines.find((line, index) => index >= from && line.event === event && condition(line));
  const said = () =>
    `${lines
      .slice(-8)
      .map((line) => JSON.stringify(line))
      .join('\n')}\n${out.stderr}`;
  const logged: RunningNode['logged'] = async (event, condition = () => true, from = 0) => {
    try {
      await waitFor(event, () => ended || find(event, condition, from) !== undefined, 30_000);
    } catch (error) {
      throw new Error(`${(error as Error).message}; the node said last:\n${said()}`);
    }
    const line = find(event, condition, from);
    if (!line) throw new Error(`the node ended without ${event}; it said last:\n${said()}`);
    return line;
  };
  return {
    child,
    lines,
    strays,
    stdout: () => out.stdout,
    stderr: () => out.stderr,
    exit,
    logged,
    signal: (signal) => void child.kill(signal),
    stop: async () => {
      child.kill('SIGTERM');
      const { late } = await logged('node.stopped');
      return { ...(await exit), late };
    },
  };
}

function keep(text: string, lines: LogLine[], strays: string[]): void {
  try {
    lines.push(JSON.parse(text));
  } catch {
    strays.push(text);
  }
}

/** GET from the node's HTTP interface: the parsed JSON. */
// biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
export async function getJson(port: number, path: string): Promise<any> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`);
  return response.json();
}

/** The value of a metric of the node that carries these labels, summed over the others; undefined when absent. */
export async function getMetric(
  port: number,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): Promise<number | undefined> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const wanted = Object.entries(labels).map(([key, value]) => `${key}="${value}"`);
  const values = text
    .split('\n')
    .filter((line) => /^[^#]/.test(line) && line.split(/[ {]/, 1)[0] === name)
    .filter((line) => wanted.every((label) => line.includes(label)))
    .map((line) => Number(line.slice(line.lastIndexOf(' '))));
  return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0);
}

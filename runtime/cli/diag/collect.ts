/** What a support bundle is made of. Each part by itself: what cannot be had is said, and the rest is there. */

import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, statfsSync, statSync } from 'node:fs';
import { arch, release, uptime } from 'node:os';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { parse, stringify } from 'yaml';
import { loadConfigFile } from '../../config/load.ts';
import { formatProblem } from '../../config/problem.ts';
import { packageRoot } from '../../core/paths.ts';
import { askNode } from '../ask-node.ts';
import { readJournal, UNITS } from '../logs/journal.ts';
import { version } from '../version.ts';

export interface Places {
  readonly config: string;
  readonly dataDir: string;
  /** Lines of the log, the newest. */
  readonly lines: number;
}

export interface Part {
  readonly name: string;
  /** Whether the end of it counts, where it is too long. */
  readonly keep: 'begin' | 'end';
  readonly make: () => Promise<string>;
}

const CHILD_LIMIT_MS = 60_000;
const MOST_OUTPUT = 8 * 1024 ** 2;
const MOST_ENTRIES = 5000;
const PROC = [
  'meminfo',
  'loadavg',
  'mounts',
  'cpuinfo',
  'pressure/memory',
  'pressure/io',
  'pressure/cpu',
  'devices',
];
const PROPERTIES =
  'Id,ActiveState,SubState,Result,StatusText,NRestarts,ExecMainStatus,ExecMainStartTimestamp,ActiveEnterTimestamp,MemoryCurrent,MemoryPeak,CPUUsageNSec,TasksCurrent,DropInPaths,FragmentPath,UnitFileState';

const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;

export function parts({ config, dataDir, lines }: Places): Part[] {
  const pushed = join(dataDir, 'pushed/vigie.yaml');
  const part = (name: string, make: Part['make'], keep: Part['keep'] = 'begin'): Part => ({
    name,
    keep,
    make,
  });
  return [
    part('versions.json', async () => json(versions())),
    part('config/vigie.yaml', async () => withoutComments(config)),
    part('config/pushed.yaml', async () => withoutComments(pushed)),
    part('config/problems.txt', async () => problemsOf(config)),
    part('node/status.json', async () => json(await askNode(dataDir, 'node-status'))),
    part('node/metrics.txt', async () => String((await askNode(dataDir, 'node-metrics')).text)),
    part('node/outbox.json', async () => {
      const { findDatabase, summarise } = await import('../../sinks/outbox/inspect.ts');
      return json(summarise(findDatabase(dataDir)));
    }),
    part('node/files.txt', async () => listing(dataDir)),
    part('node/doctor.json', () => vigie(['doctor', '--json', '--config', config, '--data-dir', dataDir])),
    part('logs/service.jsonl', () => journal(lines), 'end'),
    part(
      'logs/kernel.txt',
      () => output('journalctl', ['--dmesg', '--no-pager', '--quiet', '--lines=1000']),
      'end',
    ),
    part('system/units.txt', () => output('systemctl', ['show', ...UNITS, `--property=${PROPERTIES}`])),
    part('system/unit-files.txt', () => output('systemctl', ['cat', ...UNITS])),
    part('system/packages.txt', () => output('dpkg-query', ['-W', 'vigie*', 'systemd', 'libgstreamer1.0-0'])),
    part('system/proc.txt', async () => PROC.map(procFile).join('\n')),
    part('system/disk.json', async () => json(disk(dataDir))),
  ];
}

function versions() {
  const os = readFileSync('/etc/os-release', 'utf8');
  return {
    vigie: version(),
    node: process.version,
    architecture: arch(),
    kernel: release(),
    system: /^PRETTY_NAME="?([^"\n]*)/m.exec(os)?.[1],
    image: /^IMAGE_VERSION="?([^"\n]*)/m.exec(os)?.[1],
    uptimeSeconds: Math.round(uptime()),
  };
}

/** What stands in a comment nobody can judge. */
function withoutComments(file: string): string {
  const text = readFileSync(file, 'utf8');
  try {
    return stringify(parse(text));
  } catch {
    return text.replaceAll(/(^|\s)#.*$/gm, '');
  }
}

function problemsOf(file: string): string {
  const { problems } = loadConfigFile(file);
  return problems.map((problem) => `${formatProblem(file, problem)}\n`).join('') || 'none\n';
}

async function journal(lines: number): Promise<string> {
  const kept: string[] = [];
  await readJournal({ lines }, ({ time, line }) => {
    kept.push(JSON.stringify({ at: new Date(time).toISOString(), ...line }));
  });
  return kept.map((line) => `${line}\n`).join('');
}

/** Names, sizes and times; no content. */
function listing(folder: string): string {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort().slice(0, MOST_ENTRIES);
  return names
    .map((name) => {
      const { size, mtime, mode } = statSync(join(folder, name), { throwIfNoEntry: false }) ?? {};
      return `${(mode ?? 0).toString(8).padStart(6, '0')} ${String(size ?? '?').padStart(10)} ${mtime?.toISOString() ?? '?'} ${relative('.', name)}\n`;
    })
    .join('');
}

function disk(folder: string) {
  const { bsize, blocks, bavail, files, ffree } = statfsSync(folder);
  return { folder, bytes: bsize * blocks, freeBytes: bsize * bavail, files, freeFiles: ffree };
}

function procFile(name: string): string {
  try {
    return `== ${name}\n${readFileSync(join('/proc', name), 'utf8')}`;
  } catch {
    return `== ${name}\nnot there\n`;
  }
}

/** In a process of its own, since it looks at things that may hang. Its status tells what it found. */
async function vigie(args: readonly string[]): Promise<string> {
  const main = process.argv[1] ?? join(packageRoot, 'dist/runtime/main.js');
  return output(process.execPath, ['--disable-warning=ExperimentalWarning', main, ...args]);
}

async function output(program: string, args: readonly string[]): Promise<string> {
  const options = { timeout: CHILD_LIMIT_MS, maxBuffer: MOST_OUTPUT, killSignal: 'SIGKILL' } as const;
  try {
    return (await promisify(execFile)(program, args, options)).stdout;
  } catch (error) {
    const { stdout } = error as { stdout?: string };
    // A status other than 0 with something to say is an answer.
    if (stdout) return stdout;
    throw error;
  }
}

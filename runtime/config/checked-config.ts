/**
 * The configuration for `vigie run`, without parser and schema in the node's own memory: they cost 14 MB and a tenth
 * of a second. A child process checks the file; what it found is kept as JSON beside the last-known-good copy and
 * stands in for the check as long as neither the file nor this program changed.
 */

import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { readJsonFile, writeFileAtomic } from '../core/atomic-file.ts';
import { packageRoot, siblingModule } from '../core/paths.ts';
import { readBoardFacts } from './device-profile/facts.ts';
import type { RunnableConfig } from './last-known-good.ts';

interface Kept {
  /** What checked it. */
  readonly program: string;
  readonly file: string;
  /** The file's whole text: a digest would need the crypto library before the first poll. */
  readonly text: string;
  /** The machine it was checked on: a card may move to another board. */
  readonly board: string;
  /** The text of the device profile's file; '' where the configuration names none. */
  readonly profile: string;
  readonly running: RunnableConfig;
}

const KEPT = 'vigie.checked.json';
const CHECK_LIMIT_MS = 20_000;
const MAX_OUTPUT = 64 * 1024 * 1024;

/**
 * What `loadRunnable` returns for the same file.
 * @param version of Vigie. @param directory where relative paths start.
 * @throws InputError as `loadRunnable`.
 */
export async function loadChecked(
  file: string,
  dataDir: string,
  version: string,
  directory: string = dirname(resolve(file)),
): Promise<RunnableConfig> {
  const text = textOf(file);
  const program = `${version} ${programStamp()}`;
  const path = resolve(file);
  const board = boardKey();
  const kept = readKept(dataDir);
  if (text !== undefined && kept?.text === text && isCurrent(kept, { file: path, program, board }))
    return kept.running;
  const running =
    (await checkInChild(file, dataDir, directory)) ?? (await checkHere(file, dataDir, directory));
  // Only a file without problems is kept: the others are to be looked at, and reported, at every start.
  if (running.state === 'ok' && running.notKept === undefined && text !== undefined && textOf(file) === text)
    keep(dataDir, { program, file: path, text, board, profile: profileText(running), running });
  return running;
}

function isCurrent(kept: Kept, now: Pick<Kept, 'file' | 'program' | 'board'>): boolean {
  return (
    kept.file === now.file &&
    kept.program === now.program &&
    kept.board === now.board &&
    kept.profile === profileText(kept.running)
  );
}

/** What recognises a board; how much memory is free to use may differ from start to start. */
function boardKey(): string {
  const { cores, memory, ...identity } = readBoardFacts();
  return JSON.stringify(identity);
}

/** Of a profile of the user's own; the shipped ones belong to the program. */
function profileText({ config }: RunnableConfig): string {
  const { profile } = config.device;
  return profile?.startsWith('/') ? (textOf(profile) ?? '') : '';
}

/** Undefined when the child could not be started or the configuration cannot run; the check here then says why. */
async function checkInChild(
  file: string,
  dataDir: string,
  directory: string,
): Promise<RunnableConfig | undefined> {
  const checker = fileURLToPath(siblingModule(import.meta.url, 'check-process'));
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [checker, file, dataDir, directory], {
      maxBuffer: MAX_OUTPUT,
      timeout: CHECK_LIMIT_MS,
    });
    return JSON.parse(stdout) as RunnableConfig;
  } catch {
    return undefined;
  }
}

async function checkHere(file: string, dataDir: string, directory: string): Promise<RunnableConfig> {
  const { loadRunnable } = await import('./last-known-good.ts');
  return loadRunnable(file, dataDir, directory);
}

function readKept(dataDir: string): Kept | undefined {
  try {
    return readJsonFile(join(dataDir, KEPT)) as Kept | undefined;
  } catch {
    // Damaged: the file is checked again, and this one replaced.
    return undefined;
  }
}

function keep(dataDir: string, kept: Kept): void {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o750 });
    writeFileAtomic(join(dataDir, KEPT), JSON.stringify(kept));
  } catch {
    // Costs the next start a check, nothing else.
  }
}

/** @returns undefined when it cannot be read. */
function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

/** Changes when the checking code was built or edited anew, which the version alone does not tell. */
function programStamp(): number {
  const here = fileURLToPath(new URL('.', import.meta.url));
  const folders = [
    here,
    join(here, 'schema'),
    join(here, 'device-profile'),
    join(packageRoot, 'device-profiles'),
  ];
  return Math.max(
    ...folders.flatMap((folder) => readdirSync(folder).map((name) => statSync(join(folder, name)).mtimeMs)),
  );
}

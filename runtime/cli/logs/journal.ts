/** Lines of the service out of the journal, by journalctl, which knows every form that the journal has had. */

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { VigieError } from '../../core/errors.ts';
import { type Entry, parseEntry } from './line.ts';

export interface JournalQuery {
  readonly lines?: number | undefined;
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  readonly boot?: string | undefined;
  readonly follow?: boolean | undefined;
  /** Journal files of another machine. */
  readonly directory?: string | undefined;
}

export const UNITS = ['vigie.service', 'vigie-safe.service', 'vigie-apply.service'];
const MOST_STDERR = 2000;

/**
 * Resolves at the end of the journal; with `follow`, when journalctl ends.
 * @throws VigieError `journal-missing` without journalctl, `journal-unreadable` with what it said.
 */
export async function readJournal(query: JournalQuery, onEntry: (entry: Entry) => void): Promise<void> {
  const child = spawn('journalctl', argumentsOf(query), { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-MOST_STDERR);
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', (cause: NodeJS.ErrnoException) => reject(missing(cause)));
    child.once('close', (code) => resolve(code));
  });
  // Settled below, once all lines were read.
  ended.catch(() => {});
  const stop = () => void child.kill();
  process.once('exit', stop);
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      const entry = parseEntry(line);
      if (entry) onEntry(entry);
    }
    const code = await ended;
    if (code === 0 || code === null || said.includes('No entries')) return;
    throw new VigieError(
      'journal-unreadable',
      `the journal cannot be read: ${said.trim() || `status ${code}`}`,
    );
  } finally {
    process.off('exit', stop);
    child.kill();
  }
}

function argumentsOf({ lines, since, until, boot, follow, directory }: JournalQuery): string[] {
  return [
    '--output=json',
    '--no-pager',
    '--quiet',
    ...UNITS.flatMap((unit) => ['--unit', unit]),
    // Messages of systemd itself about them come with the units.
    ...(lines === undefined ? [] : [`--lines=${lines}`]),
    // Following begins with the last ten lines unless it is told.
    ...(follow && lines === undefined ? ['--lines=all'] : []),
    ...(since === undefined ? [] : [`--since=${since}`]),
    ...(until === undefined ? [] : [`--until=${until}`]),
    ...(boot === undefined ? [] : [`--boot=${boot}`]),
    ...(directory === undefined ? [] : [`--directory=${directory}`]),
    ...(follow ? ['--follow'] : []),
  ];
}

function missing(cause: NodeJS.ErrnoException): VigieError {
  const text =
    cause.code === 'ENOENT'
      ? 'there is no journalctl on this machine: the service writes its log to standard output, and whoever started it has it'
      : 'journalctl could not be started';
  return new VigieError('journal-missing', text, { cause });
}

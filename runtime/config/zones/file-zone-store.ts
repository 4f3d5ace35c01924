/** The zones of the configuration file, for the dashboard. A child process does it: parser and schema cost the node 14 MB. */

import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { InputError, StorageError } from '../../core/errors.ts';
import { siblingModule } from '../../core/paths.ts';
import type { ZoneStore, ZonesInFile, ZonesWritten } from '../../core/zone-store.ts';

const LIMIT_MS = 20_000;

type Outcome = { result: unknown } | { code: string; message: string };

export class FileZoneStore implements ZoneStore {
  readonly #file: string;
  /** One after the other: two writes of the same revision must not both be taken. */
  #turn: Promise<unknown> = Promise.resolve();

  /** @param file the configuration's. */
  constructor(file: string) {
    this.#file = file;
  }

  read(camera: string): Promise<ZonesInFile> {
    return this.#ask({ camera }) as Promise<ZonesInFile>;
  }

  write(camera: string, edit: unknown): Promise<ZonesWritten> {
    return this.#ask({ camera, edit: edit ?? null }) as Promise<ZonesWritten>;
  }

  #ask(request: { camera: string; edit?: unknown }): Promise<unknown> {
    const answer = this.#turn.then(() => inChild({ file: this.#file, ...request }));
    this.#turn = answer.catch(() => {});
    return answer;
  }
}

async function inChild(request: unknown): Promise<unknown> {
  const module = fileURLToPath(siblingModule(import.meta.url, 'zone-process'));
  const child = spawn(process.execPath, [module], {
    stdio: ['pipe', 'pipe', 'ignore'],
    timeout: LIMIT_MS,
    killSignal: 'SIGKILL',
  });
  const failed = new Promise<never>((_, reject) => child.once('error', reject));
  // It may be gone before it has read all; its silence is told below.
  child.stdin.on('error', () => {});
  child.stdin.end(JSON.stringify(request));
  try {
    const outcome = JSON.parse(await Promise.race([text(child.stdout), failed])) as Outcome;
    if ('result' in outcome) return outcome.result;
    const { code, message } = outcome;
    throw code === 'state-write' ? new StorageError(code, message) : new InputError(code, message);
  } catch (cause) {
    if (cause instanceof InputError || cause instanceof StorageError) throw cause;
    throw new StorageError('zones-unavailable', 'the configuration file could not be looked at', { cause });
  }
}

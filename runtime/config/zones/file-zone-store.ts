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
  readonly #readOnly: string | undefined;
  /** One after the other: two writes of the same revision must not both be taken. */
  #turn: Promise<unknown> = Promise.resolve();

  /** @param file the configuration's. @param readOnly why the page must not change it, for a person. */
  constructor(file: string, readOnly?: string) {
    this.#file = file;
    this.#readOnly = readOnly;
  }

  async read(camera: string): Promise<ZonesInFile> {
    const found = (await this.#ask({ camera })) as ZonesInFile;
    return this.#readOnly === undefined ? found : { ...found, readOnly: this.#readOnly };
  }

  async write(camera: string, edit: unknown): Promise<ZonesWritten> {
    if (this.#readOnly !== undefined) throw new InputError('config-read-only', this.#readOnly);
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

/** `vigie run --safe`: what the service manager starts when the node does not stay up. */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { switchOffAddon } from '../../addon/binding.ts';
import { findDevice } from '../../config/device-profile/device.ts';
import type { RunnableConfig } from '../../config/last-known-good.ts';
import { loadRunnable } from '../../config/last-known-good.ts';
import { type ConfigSource, PushedConfiguration } from '../../config/pushed/pushed.ts';
import { emergencyConfig, safeConfig } from '../../config/safe-config.ts';
import { describeError } from '../../core/errors.ts';
import { hours, type Millis, millis, minutes, seconds } from '../../core/units.ts';
import { SAFE_MODE_MEMORY } from '../../supervisor/last-words.ts';
import { SafeMode } from '../../supervisor/safe-mode.ts';
import { runNodes } from './node-loop.ts';
import type { Service } from './service.ts';

/** The service manager starts the node again: vigie-safe.service. */
export const EXIT_LEAVE_SAFE_MODE = 10;

const FIRST_RETRY = minutes(15);
const LONGEST_RETRY = hours(4);
const LOOK_EVERY = seconds(5);
/** Safe mode that ended so often without coming up goes on without broker, updates and native code. */
const BARE_AFTER = 2;
const CAME_UP_AFTER = minutes(1);

export interface SafeOptions {
  readonly file: string;
  readonly dataDir: string;
  readonly service: Service;
  readonly env: NodeJS.ProcessEnv;
}

/** What is remembered between starts, in memory: a machine that starts anew begins in the usual way. */
interface Memory {
  /** Times that safe mode was left for another try, without the node having come up well. */
  readonly tries: number;
  /** Starts of safe mode that did not come up. */
  readonly falls: number;
}

/** @returns the exit status. */
export async function runSafe({ file, dataDir, service, env }: SafeOptions): Promise<number> {
  const memory = new MemoryFile(env.RUNTIME_DIRECTORY);
  const { tries, falls } = memory.read();
  const bare = falls >= BARE_AFTER;
  // A native library that ends the process would end this one, too.
  if (bare) switchOffAddon('safe mode goes without native code, since it did not stay up with it');
  memory.write({ tries, falls: falls + 1 });
  setTimeout(() => memory.write({ tries, falls: 0 }), CAME_UP_AFTER).unref();
  backToOwn(file, dataDir);
  let wrong: string | undefined;
  const load = async (source: ConfigSource): Promise<RunnableConfig> => {
    try {
      const running = loadRunnable(source.file, dataDir, source.directory);
      wrong = running.state === 'last-known-good' ? running.problems.join('; ') : undefined;
      return running;
    } catch (error) {
      wrong = describeError(error);
      const device = findDevice(undefined);
      return { config: emergencyConfig(), device, state: 'last-known-good', problems: [wrong] };
    }
  };
  const end = await runNodes({
    file,
    dataDir,
    service,
    load,
    endsAtRestart: true,
    reduce: (running) => safeConfig(running, bare),
    extra: (asked, log) => [
      new SafeMode({
        why: reasons(service.lastWords.tell() ?? 'started by hand', wrong),
        files: [file],
        mended: async () => isGood(file, dataDir),
        retryAfter: retryAfter(tries),
        leave: (reason) => {
          memory.write({ tries: tries + 1, falls: 0 });
          asked.restart(reason);
        },
        log,
        lookEvery: LOOK_EVERY,
      }),
    ],
  });
  if (end.restart !== undefined) return EXIT_LEAVE_SAFE_MODE;
  memory.write({ tries, falls: 0 });
  return 0;
}

/** What the node said last may be the very same. */
function reasons(end: string, wrong: string | undefined): string {
  return wrong === undefined || end.includes(wrong) ? end : `${end}; ${wrong}`;
}

/** A pushed configuration that was not kept yet is the first suspect. */
function backToOwn(file: string, dataDir: string): void {
  const pushed = new PushedConfiguration(file, dataDir);
  if (pushed.onTrial) pushed.goBack('the node did not stay up on it');
}

function isGood(file: string, dataDir: string): boolean {
  try {
    return loadRunnable(file, dataDir).state !== 'last-known-good';
  } catch {
    return false;
  }
}

/** Each try that failed doubles the pause. */
export function retryAfter(tries: number): Millis {
  return millis(Math.min(LONGEST_RETRY, FIRST_RETRY * 2 ** Math.min(tries, 16)));
}

class MemoryFile {
  readonly #path: string | undefined;

  constructor(directory: string | undefined) {
    this.#path = directory && join(directory, SAFE_MODE_MEMORY);
    if (directory) mkdirSync(directory, { recursive: true });
  }

  read(): Memory {
    try {
      const [tries = 0, falls = 0] = readFileSync(this.#path ?? '', 'utf8')
        .split(' ')
        .map(Number);
      return { tries: tries || 0, falls: falls || 0 };
    } catch {
      return { tries: 0, falls: 0 };
    }
  }

  write({ tries, falls }: Memory): void {
    if (this.#path === undefined) return;
    try {
      writeFileSync(this.#path, `${tries} ${falls}`);
    } catch {
      // Then the next start knows less; this one goes on.
    }
  }
}

/** The configuration the node last ran on, kept so that a bad file never stops a node nobody can reach. */

import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { writeFileAtomic } from '../core/atomic-file.ts';
import { describeError, InputError } from '../core/errors.ts';
import type { DeviceChoice } from './device-profile/choose.ts';
import { findDevice, profileProblem } from './device-profile/device.ts';
import { type LoadResult, loadConfig, readConfigFile } from './load.ts';
import { formatProblem } from './problem.ts';
import type { Config } from './schema/root.ts';

export interface RunnableConfig {
  readonly config: Config;
  /** What is known of the machine; the recognised board's profile where the named one cannot be used. */
  readonly device: DeviceChoice;
  /** `quarantine`: devices are left out; `last-known-good`: the file is wrong, this is the one before. */
  readonly state: 'ok' | 'quarantine' | 'last-known-good';
  /** Every problem of the file as it is now, formatted. */
  readonly problems: readonly string[];
  /** Why no copy could be kept; the node runs all the same, but a bad file at the next start would stop it. */
  readonly notKept?: string;
}

const KEPT = 'vigie.last-known-good.yaml';

/**
 * Loads `file`; keeps a copy in `dataDir` when it is good, falls back on that copy when it is not.
 * @param directory where relative paths start: the file's, where it is not told.
 * @throws InputError `config-invalid` listing every problem, when there is nothing to fall back on.
 */
export function loadRunnable(
  file: string,
  dataDir: string,
  directory: string = dirname(resolve(file)),
): RunnableConfig {
  const { text, result, problems } = tryLoad(file, directory);
  if (result?.config) {
    const notKept = problems.length === 0 ? keep(text, dataDir) : undefined;
    const state = problems.length > 0 ? 'quarantine' : 'ok';
    const { config } = result;
    return {
      config,
      device: deviceOf(config),
      state,
      problems,
      ...(notKept === undefined ? {} : { notKept }),
    };
  }
  const kept = join(dataDir, KEPT);
  const before = existsSync(kept) ? loadConfig(readFileSync(kept, 'utf8'), directory).config : undefined;
  if (before) return { config: before, device: deviceOf(before), state: 'last-known-good', problems };
  throw new InputError('config-invalid', `the configuration cannot run:\n${problems.join('\n')}`, {
    facts: { file },
  });
}

function deviceOf({ device: { profile } }: Config): DeviceChoice {
  const usable = profile !== undefined && profileProblem(profile) === undefined;
  return findDevice(usable ? { reference: profile, by: 'device.profile' } : undefined);
}

/** The file is read once: what is kept is what was checked, however often somebody writes it meanwhile. */
function tryLoad(file: string, directory: string): { text: string; result?: LoadResult; problems: string[] } {
  let text = '';
  try {
    text = readConfigFile(file);
    const result = loadConfig(text, directory);
    return { text, result, problems: result.problems.map((problem) => formatProblem(file, problem)) };
  } catch (error) {
    return { text, problems: [`${file}: ${describeError(error)}`] };
  }
}

/**
 * Written only when it changed: a flash card wears out by writing.
 * @returns why it could not be kept; undefined when it was.
 */
function keep(text: string, dataDir: string): string | undefined {
  const kept = join(dataDir, KEPT);
  try {
    if (existsSync(kept) && readFileSync(kept, 'utf8') === text) return undefined;
    mkdirSync(dataDir, { recursive: true, mode: 0o750 });
    writeFileAtomic(kept, text);
    return undefined;
  } catch (error) {
    const fix = "give the service's user the directory, or choose another with --data-dir";
    return `no copy of the configuration could be kept in ${dataDir}: ${describeError(error)}; ${fix}`;
  }
}

/** Device profiles from their files: those that are shipped, by name, and a user's own, by path. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../../core/errors.ts';
import { nearestName } from '../../core/nearest-name.ts';
import { packageRoot } from '../../core/paths.ts';
import { explainIssue } from '../explain-issue.ts';
import { formatProblem, type Problem } from '../problem.ts';
import { parseYaml } from '../yaml.ts';
import { type DeviceProfile, deviceProfile } from './schema.ts';

const SHIPPED = join(packageRoot, 'device-profiles');
const SUFFIX = '.yaml';

/** Names of the shipped profiles. */
export function profileNames(): string[] {
  return readdirSync(SHIPPED)
    .filter((file) => file.endsWith(SUFFIX))
    .map((file) => file.slice(0, -SUFFIX.length))
    .sort();
}

/** A name has neither slash nor suffix; everything else is a path. */
export function isProfilePath(reference: string): boolean {
  return reference.includes('/') || /\.ya?ml$/.test(reference);
}

/**
 * @param reference a shipped profile's name, or the path of a file.
 * @throws InputError `device-profile-unknown`, `device-profile-unreadable`, or `device-profile-invalid` listing every
 *   error with its line and column.
 */
export function loadProfile(reference: string): DeviceProfile {
  if (!isProfilePath(reference) && !profileNames().includes(reference)) throw unknownName(reference);
  const file = isProfilePath(reference) ? reference : join(SHIPPED, reference + SUFFIX);
  const { profile, problems } = parseProfile(readProfile(file));
  if (profile) return profile;
  const list = problems.map((problem) => formatProblem(file, problem)).join('\n');
  throw new InputError('device-profile-invalid', list, { facts: { file } });
}

export function shippedProfiles(): DeviceProfile[] {
  return profileNames().map(loadProfile);
}

export interface ParsedProfile {
  /** Undefined when there are problems. */
  readonly profile: DeviceProfile | undefined;
  readonly problems: readonly Problem[];
}

export function parseProfile(text: string): ParsedProfile {
  const yaml = parseYaml(text);
  if (yaml.problems.length > 0) return { profile: undefined, problems: yaml.problems };
  if (yaml.value === null || yaml.value === undefined) {
    const message = 'the file is empty; start from a copy of a shipped profile';
    return { profile: undefined, problems: [{ path: [], line: 1, column: 1, message }] };
  }
  const result = deviceProfile.safeParse(yaml.value);
  if (result.success) return { profile: result.data, problems: [] };
  const problems = result.error.issues.flatMap((issue) => explainIssue(issue, yaml, deviceProfile));
  return { profile: undefined, problems };
}

function readProfile(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    const message = `cannot read the device profile ${file}`;
    throw new InputError('device-profile-unreadable', message, { cause, facts: { file } });
  }
}

function unknownName(wrong: string): InputError {
  const names = profileNames();
  const near = nearestName(wrong, names);
  const hint = near
    ? `did you mean '${near}'?`
    : `there are: ${names.join(', ')}; or name a file, my-board.yaml`;
  return new InputError('device-profile-unknown', `no device profile '${wrong}'; ${hint}`);
}

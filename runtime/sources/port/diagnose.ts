/** Why a serial port does not open, and what to do: for the log, for health and for `vigie doctor`. */

import { accessSync, constants, existsSync, lstatSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DeviceError, describeError } from '../../core/errors.ts';

const STABLE_FOLDERS = ['/dev/serial/by-id', '/dev/serial/by-path'];

/** The stable names there are now, absolute. */
export function listStablePorts(folders: readonly string[] = STABLE_FOLDERS): string[] {
  return folders.flatMap((folder) =>
    existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [],
  );
}

/**
 * What keeps `path` from being opened as far as the file system tells, undefined when it looks fine.
 * Codes: `serial-missing`, `serial-permission`, `serial-open` (not a device).
 */
export function diagnosePort(path: string, folders?: readonly string[]): DeviceError | undefined {
  const problem = (code: string, text: string) =>
    new DeviceError(code, text, { retryable: true, facts: { path } });
  if (!existsSync(path)) return problem('serial-missing', missing(path, listStablePorts(folders)));
  if (!statSync(path).isCharacterDevice()) return problem('serial-open', `${path} is not a serial device`);
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
  } catch {
    const user = process.getuid?.() ?? 'this user';
    return problem(
      'serial-permission',
      `no permission for ${path}: add the service's user (uid ${user}) to the group that owns it, mostly dialout: ` +
        'usermod -aG dialout USER, then restart the service',
    );
  }
  return undefined;
}

/** @param cause what the serial library said. */
export function explainOpenFailure(path: string, cause: unknown, folders?: readonly string[]): DeviceError {
  const known = diagnosePort(path, folders);
  if (known) return known;
  // The binding reports nothing but a text; a refused lock is the only thing it says this way.
  if (/lock|busy/i.test(describeError(cause))) {
    return new DeviceError(
      'serial-busy',
      `${path} is in use by another program: find it with 'fuser ${path}' (ModemManager and getty are usual ones)`,
      { cause, retryable: true, facts: { path } },
    );
  }
  return new DeviceError('serial-open', `cannot open ${path}`, { cause, retryable: true, facts: { path } });
}

function missing(path: string, present: readonly string[]): string {
  const there = present.length > 0 ? `present now: ${present.join(', ')}` : 'no serial adapter is plugged in';
  const link = lstatSync(path, { throwIfNoEntry: false });
  const dangling = link?.isSymbolicLink() ? ` (it points to ${readlinkSync(path)}, which is not there)` : '';
  return `no serial port at ${path}${dangling}: check cable and name; ${there}`;
}

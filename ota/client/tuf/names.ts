/** Names that metadata brings along: of roles, which become file names, and of targets. */

import { TOP_ROLES } from './metadata.ts';
import type { TufPolicy } from './policy.ts';
import { malformed } from './strict-json.ts';

const ROLE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const TARGET_PATH = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}(\/[A-Za-z0-9][A-Za-z0-9._-]{0,63}){0,3}$/;

/** A delegated role called like one of the four would be stored over it. @throws UpdateError `ota-malformed` */
export function checkRoleName(role: string, { plainNames }: TufPolicy, where: string): void {
  const taken = (TOP_ROLES as readonly string[]).includes(role);
  if (role === '' || taken || (plainNames && !ROLE_NAME.test(role)))
    throw malformed(where, `delegates to a role that may not be called ${JSON.stringify(role.slice(0, 80))}`);
}

/** @throws UpdateError `ota-malformed` */
export function checkTargetPath(path: string, { plainNames }: TufPolicy, where: string): void {
  if (plainNames && !TARGET_PATH.test(path))
    throw malformed(where, `has a target that may not be called ${JSON.stringify(path.slice(0, 80))}`);
}

/** In the store: nothing of a role's name is ever a part of a path. */
export function fileOf(role: string): string {
  return `${encodeURIComponent(role)}.json`;
}

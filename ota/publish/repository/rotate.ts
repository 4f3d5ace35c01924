/** Changes who may sign for a role. Every rotation ships as a further root (or targets) version, and all of them stay. */

import { InputError } from '../../../runtime/core/errors.ts';
import type { EpochMillis } from '../../../runtime/core/units.ts';
import type { NamedKey } from '../keys/key-folder.ts';
import { redraft, short } from './drafts.ts';
import { authorities, type RepositoryFolder } from './folder.ts';
import { roleOf } from './init.ts';
import {
  delegationsOf,
  type KeysJson,
  type RoleJson,
  type RootJson,
  roleKeys,
  type TargetsJson,
} from './metadata.ts';
import { isDelegated, type MetadataRole, ROLES, type Role } from './roles.ts';

export interface Rotation {
  readonly role: Role;
  readonly add: readonly NamedKey[];
  /** KEYIDs, or their first digits. */
  readonly remove: readonly string[];
  /** Left out: as it was. */
  readonly threshold?: number;
}

/** What has to be signed now. */
export interface RotationReport {
  /** Drafts that were made: root or targets, and the role's own file where new keys have to sign it again. */
  readonly drafts: readonly MetadataRole[];
  /** Signatures that a draft had and that do not count any more. */
  readonly dropped: number;
}

/**
 * @throws InputError `ota-keys-few`, `ota-key-twice`, `ota-key-unknown`, `ota-nothing-published`
 */
export function rotate(folder: RepositoryFolder, rotation: Rotation, now: EpochMillis): RotationReport {
  const { role } = rotation;
  if (role !== 'time' && isDelegated(role)) {
    const changed = redraft<TargetsJson>(folder, 'targets', now, (signed) =>
      inTargets(folder, signed, rotation),
    );
    return again(folder, role, now, ['targets'], changed.dropped);
  }
  const changed = redraft<RootJson>(folder, 'root', now, (signed) => inRoot(signed, rotation));
  // Snapshot and timestamp are signed anew at every publication.
  return role === 'targets'
    ? again(folder, role, now, ['root'], changed.dropped)
    : { drafts: ['root'], dropped: changed.dropped };
}

/** The role's file as it is, for the new keys to sign. */
function again(
  folder: RepositoryFolder,
  role: MetadataRole,
  now: EpochMillis,
  drafts: readonly MetadataRole[],
  dropped: number,
): RotationReport {
  const own = redraft<TargetsJson>(folder, role, now, (signed) => signed);
  return { drafts: [...drafts, role], dropped: dropped + own.dropped };
}

function inRoot(signed: RootJson, { role, ...change }: Rotation): RootJson {
  const old = role === 'time' ? signed['x-time'] : signed.roles[role as 'root'];
  const { role: next, keys } = changed(role, { role: old, keys: signed.keys }, change);
  const roles = role === 'time' ? signed.roles : { ...signed.roles, [role]: next };
  const time = role === 'time' ? next : signed['x-time'];
  refuseElsewhere(role, next, { ...signed.roles, time: signed['x-time'] });
  const used = new Set([...Object.values(roles), time].flatMap(({ keyids }) => keyids));
  return { ...signed, roles, 'x-time': time, keys: pick({ ...signed.keys, ...keys }, used) };
}

function inTargets(
  folder: RepositoryFolder,
  signed: TargetsJson,
  { role, ...change }: Rotation,
): TargetsJson {
  const { root } = authorities(folder);
  const of = (name: 'release' | 'deploy') => {
    const old = roleKeys(name, root, signed);
    if (!old) throw new InputError('ota-nothing-published', `targets delegates nothing to ${name}`);
    return name === role
      ? changed(role, old, change)
      : { ...old, keys: pick(old.keys, new Set(old.role.keyids)) };
  };
  const next = { release: of('release'), deploy: of('deploy') };
  refuseElsewhere(role, next[role as 'deploy'].role, {
    ...(root && { ...root.roles, time: root['x-time'] }),
    release: next.release.role,
    deploy: next.deploy.role,
  });
  return { ...signed, delegations: delegationsOf(next) };
}

function changed(
  role: Role,
  old: { readonly role: RoleJson; readonly keys: KeysJson },
  { add, remove, threshold }: Omit<Rotation, 'role'>,
): { readonly role: RoleJson; readonly keys: KeysJson } {
  const gone = new Set(remove.map((prefix) => found(role, old.role.keyids, prefix)));
  const kept = old.role.keyids
    .filter((keyId) => !gone.has(keyId))
    .map((keyId) => ({ name: short(keyId), keyId, key: old.keys[keyId]! }));
  return roleOf(role, [...kept, ...add], threshold ?? old.role.threshold);
}

function found(role: Role, keyIds: readonly string[], prefix: string): string {
  const matches = keyIds.filter((keyId) => keyId.startsWith(prefix));
  if (matches.length === 1 && prefix.length >= MIN_DIGITS) return matches[0]!;
  const text = `'${prefix}' is not the KEYID, or its first ${MIN_DIGITS} digits or more, of one key of ${role}: ${keyIds.map(short).join(', ')}`;
  throw new InputError('ota-key-unknown', text, { facts: { role, prefix, keyIds } });
}
const MIN_DIGITS = 6;

/** A stolen key of one role must not speak for another. */
function refuseElsewhere(
  role: Role,
  next: RoleJson,
  others: Readonly<Partial<Record<Role, RoleJson>>>,
): void {
  for (const other of ROLES) {
    const shared =
      other === role ? undefined : next.keyids.find((keyId) => others[other]?.keyids.includes(keyId));
    if (shared === undefined) continue;
    throw new InputError(
      'ota-key-twice',
      `the key ${short(shared)} is one of ${other}: give ${role} another`,
    );
  }
}

const pick = (keys: KeysJson, wanted: ReadonlySet<string>): KeysJson =>
  Object.fromEntries(Object.entries(keys).filter(([keyId]) => wanted.has(keyId)));

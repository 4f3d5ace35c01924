/** A new repository: drafts of its first files, which nobody signed yet. */

import { InputError } from '../../../runtime/core/errors.ts';
import type { EpochMillis } from '../../../runtime/core/units.ts';
import type { NamedKey } from '../keys/key-folder.ts';
import { RepositoryFolder } from './folder.ts';
import {
  delegationsOf,
  expiry,
  type KeysJson,
  type RoleJson,
  SPEC_VERSION,
  type TargetsJson,
} from './metadata.ts';
import { type MetadataRole, ROLE_RULES, ROLES, type Role } from './roles.ts';

export interface InitOptions {
  readonly path: string;
  readonly keys: Readonly<Record<Role, readonly NamedKey[]>>;
  /** Where they differ from ROLE_RULES. */
  readonly thresholds?: Readonly<Partial<Record<Role, number>>>;
  readonly expires?: Readonly<Partial<Record<MetadataRole, number>>>;
  readonly now: EpochMillis;
}

/** @throws InputError `ota-keys-few`, `ota-key-twice`, `ota-repository-exists` */
export function initRepository({
  path,
  keys,
  thresholds = {},
  expires = {},
  now,
}: InitOptions): RepositoryFolder {
  const roles = Object.fromEntries(
    ROLES.map((role) => [role, roleOf(role, keys[role], thresholds[role] ?? ROLE_RULES[role].threshold)]),
  ) as Record<Role, { role: RoleJson; keys: KeysJson }>;
  refuseShared(keys);
  const folder = RepositoryFolder.create(path, { v: 1, expires });
  const common = (role: MetadataRole) => ({
    spec_version: SPEC_VERSION,
    version: 1,
    expires: expiry(now, folder.days(role)),
  });
  const { root, targets, snapshot, timestamp, time, release, deploy } = roles;
  folder.writeDraft('root', {
    signatures: [],
    signed: {
      _type: 'root',
      ...common('root'),
      consistent_snapshot: true,
      keys: Object.assign({}, ...[root, targets, snapshot, timestamp, time].map((one) => one.keys)),
      roles: { root: root.role, targets: targets.role, snapshot: snapshot.role, timestamp: timestamp.role },
      'x-time': time.role,
    },
  });
  const empty = (role: MetadataRole): TargetsJson => ({ _type: 'targets', ...common(role), targets: {} });
  const delegations = delegationsOf({ release, deploy });
  folder.writeDraft('targets', { signatures: [], signed: { ...empty('targets'), delegations } });
  for (const role of ['release', 'deploy'] as const)
    folder.writeDraft(role, { signatures: [], signed: empty(role) });
  return folder;
}

/** @throws InputError `ota-keys-few`, `ota-key-twice` */
export function roleOf(
  role: Role,
  named: readonly NamedKey[],
  threshold: number,
): { readonly role: RoleJson; readonly keys: KeysJson } {
  const keys = Object.fromEntries(named.map(({ keyId, key }) => [keyId, key]));
  const count = Object.keys(keys).length;
  if (count < named.length)
    throw new InputError(
      'ota-key-twice',
      `the role ${role} was given the same key twice: it would count once`,
    );
  if (!Number.isSafeInteger(threshold) || threshold < 1 || count < threshold) {
    const text = `the role ${role} needs ${threshold} signatures, and was given ${count} keys`;
    throw new InputError('ota-keys-few', text, { facts: { role, threshold, keys: count } });
  }
  return { role: { keyids: Object.keys(keys), threshold }, keys };
}

/** A stolen key of one role must not speak for another. */
function refuseShared(keys: Readonly<Record<Role, readonly NamedKey[]>>): void {
  const seen = new Map<string, Role>();
  for (const role of ROLES) {
    for (const { keyId, name } of keys[role]) {
      const other = seen.get(keyId);
      if (other !== undefined)
        throw new InputError(
          'ota-key-twice',
          `the key ${name} was given to ${other} and ${role}: use two keys`,
        );
      seen.set(keyId, role);
    }
  }
}

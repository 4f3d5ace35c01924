/** root.json (§4.3): which keys speak for which role. */

import { fieldsOf, integerIn, objectIn, textsIn } from './fields.ts';
import { type PublicKey, readKey } from './keys.ts';
import { type Root, readHeader, TOP_ROLES, type TopRole } from './metadata.ts';
import type { TufPolicy } from './policy.ts';
import type { RoleKeys } from './signed.ts';
import { type JsonObject, malformed } from './strict-json.ts';

/** @throws UpdateError `ota-malformed` */
export function readRoot(signed: JsonObject, policy: TufPolicy, where: string): Root {
  const keys = readKeys(signed, policy, where);
  const roles = objectIn(signed, 'roles', where);
  const { consistent_snapshot: consistentSnapshot = false } = signed;
  if (typeof consistentSnapshot !== 'boolean')
    throw malformed(where, 'has a consistent_snapshot that is not true or false');
  // Beside `roles` and not in it, where other clients take the four for all that there may be.
  const time = signed['x-time'] === undefined ? undefined : objectIn(signed, 'x-time', where);
  return {
    ...readHeader(signed, 'root', where),
    consistentSnapshot,
    time: time && readRoleKeys(time, keys, `${where} x-time`),
    roles: Object.fromEntries(
      TOP_ROLES.map((role) => [
        role,
        readRoleKeys(objectIn(roles, role, `${where} roles`), keys, `${where} roles.${role}`),
      ]),
    ) as Record<TopRole, RoleKeys>,
  };
}

/** Of a root, or of the delegations of targets; by KEYID. */
export function readKeys(
  object: JsonObject,
  policy: TufPolicy,
  where: string,
): ReadonlyMap<string, PublicKey> {
  const keys = Object.entries(objectIn(object, 'keys', where));
  return new Map(
    keys.map(([keyId, json]) => {
      const place = `${where} keys.${keyId}`;
      return [keyId, readKey(keyId, fieldsOf(json, place), policy, place)];
    }),
  );
}

/** A KEYID twice is refused, and one without a key; a threshold that no number of keys can reach is for the signer to see. */
export function readRoleKeys(
  role: JsonObject,
  keys: ReadonlyMap<string, PublicKey>,
  where: string,
): RoleKeys {
  return {
    threshold: integerIn(role, 'threshold', 1, where),
    keys: textsIn(role, 'keyids', where).map((keyId) => {
      const key = keys.get(keyId);
      if (!key) throw malformed(where, 'names a key that is not listed');
      return key;
    }),
  };
}

/** targets.json and the roles delegated from it (§4.5): which files there are, and who speaks for which of them. */

import { createHash } from 'node:crypto';
import { fieldsOf, integerIn, objectIn, textIn, textsIn } from './fields.ts';
import { readHashes } from './hashes.ts';
import type { PublicKey } from './keys.ts';
import { type Delegation, readHeader, type TargetFile, type Targets } from './metadata.ts';
import { checkRoleName, checkTargetPath } from './names.ts';
import { matchesPath } from './path-pattern.ts';
import type { TufPolicy } from './policy.ts';
import { readKeys, readRoleKeys } from './root.ts';
import { type JsonObject, type JsonValue, malformed } from './strict-json.ts';

/** @throws UpdateError `ota-malformed` */
export function readTargets(signed: JsonObject, policy: TufPolicy, where: string): Targets {
  const header = readHeader(signed, 'targets', where);
  const targets = new Map<string, TargetFile>();
  for (const [path, json] of Object.entries(objectIn(signed, 'targets', where))) {
    checkTargetPath(path, policy, where);
    targets.set(path, readTarget(path, json, policy, `${where} targets['${path}']`));
  }
  const { delegations } = signed;
  return {
    ...header,
    targets,
    delegations:
      delegations === undefined ? [] : readDelegations(delegations, policy, `${where} delegations`),
  };
}

function readTarget(path: string, json: JsonValue, policy: TufPolicy, where: string): TargetFile {
  const fields = fieldsOf(json, where);
  const hashes = readHashes(fields, where);
  if (policy.pinned && hashes.sha256 === undefined) throw malformed(where, 'is listed without sha256');
  return { path, length: integerIn(fields, 'length', 0, where), hashes, custom: fields.custom };
}

function readDelegations(json: JsonValue, policy: TufPolicy, where: string): readonly Delegation[] {
  const fields = fieldsOf(json, where);
  const keys = readKeys(fields, policy, where);
  if (!Array.isArray(fields.roles)) throw malformed(where, 'has no list of roles');
  const delegations = fields.roles.map((role, i) =>
    readDelegation(role, keys, policy, `${where}.roles[${i}]`),
  );
  // §4.5: a role's name stands once in the list.
  if (new Set(delegations.map(({ role }) => role)).size < delegations.length)
    throw malformed(where, 'name a role twice');
  return delegations;
}

function readDelegation(
  json: JsonValue,
  keys: ReadonlyMap<string, PublicKey>,
  policy: TufPolicy,
  where: string,
): Delegation {
  const fields = fieldsOf(json, where);
  const role = textIn(fields, 'name', where);
  checkRoleName(role, policy, where);
  const { terminating = false } = fields;
  if (typeof terminating !== 'boolean')
    throw malformed(where, "has a 'terminating' that is not true or false");
  return { ...readRoleKeys(fields, keys, where), role, terminating, covers: coverage(fields, where) };
}

/** `paths` or `path_hash_prefixes`, exactly one of them (§4.5). */
function coverage(fields: JsonObject, where: string): (path: string) => boolean {
  if ((fields.paths === undefined) === (fields.path_hash_prefixes === undefined))
    throw malformed(where, "needs one of 'paths' and 'path_hash_prefixes'");
  if (fields.paths !== undefined) {
    const patterns = textsIn(fields, 'paths', where);
    return (path) => patterns.some((pattern) => matchesPath(pattern, path));
  }
  const prefixes = textsIn(fields, 'path_hash_prefixes', where);
  return (path) => {
    const digest = createHash('sha256').update(path).digest('hex');
    return prefixes.some((prefix) => digest.startsWith(prefix));
  };
}

/** timestamp.json and snapshot.json (§4.4, §4.6): which versions of the other files belong together. */

import { fieldsOf, integerIn, objectIn, timeIn } from './fields.ts';
import { readHashes } from './hashes.ts';
import { type MetaFile, readHeader, type Snapshot, type Timestamp } from './metadata.ts';
import type { TufPolicy } from './policy.ts';
import { type JsonObject, malformed } from './strict-json.ts';

/** @throws UpdateError `ota-malformed` */
export function readTimestamp(signed: JsonObject, policy: TufPolicy, where: string): Timestamp {
  const header = readHeader(signed, 'timestamp', where);
  const meta = objectIn(signed, 'meta', where);
  if (Object.keys(meta).length > 1) throw malformed(where, 'describes more than snapshot.json');
  const issued = signed['x-issued'] === undefined ? undefined : timeIn(signed, 'x-issued', where);
  if (issued !== undefined && issued > header.expires) throw malformed(where, 'was issued after it expires');
  return { ...header, issued, snapshot: readMetaFile(meta, 'snapshot.json', policy, where) };
}

/** @throws UpdateError `ota-malformed` */
export function readSnapshot(signed: JsonObject, policy: TufPolicy, where: string): Snapshot {
  const header = readHeader(signed, 'snapshot', where);
  const meta = objectIn(signed, 'meta', where);
  const roles = new Map<string, MetaFile>();
  for (const name of Object.keys(meta)) {
    if (!name.endsWith('.json')) throw malformed(where, 'lists a file that is not .json');
    roles.set(name.slice(0, -'.json'.length), readMetaFile(meta, name, policy, where));
  }
  if (!roles.has('targets')) throw malformed(where, 'does not list targets.json');
  return { ...header, roles };
}

function readMetaFile(meta: JsonObject, name: string, policy: TufPolicy, file: string): MetaFile {
  const where = `${file} meta['${name}']`;
  const entry = fieldsOf(meta[name], where);
  const length = entry.length === undefined ? undefined : integerIn(entry, 'length', 1, where);
  const hashes = entry.hashes === undefined ? undefined : readHashes(entry, where);
  if (policy.pinned && (length === undefined || hashes?.sha256 === undefined))
    throw malformed(where, 'is listed without length or sha256');
  return { version: integerIn(entry, 'version', 1, where), length, hashes };
}

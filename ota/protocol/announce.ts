/**
 * The retained hint that something changed. It is not signed and believed in nothing: at most it makes a node look, and
 * wait a little for blocks that are said to come.
 */

import { BLOB_NAME } from './public-tree.ts';

export interface Announcement {
  /** Of timestamp.json: tells one state of the repository from another. 64 hexadecimal digits. */
  readonly timestamp: string;
  /** What will be broadcast shortly. */
  readonly broadcast: readonly AnnouncedBlob[];
}

export interface AnnouncedBlob {
  readonly sha256: string;
  /** Bytes. */
  readonly length: number;
}

const MOST_BYTES = 16_384;
const MOST_BLOBS = 64;
const SCHEMA = 'vigie.ota-announce/1';

/** @param announcement with at most 64 blobs; later ones are left out. */
export function encodeAnnouncement({ timestamp, broadcast }: Announcement): Uint8Array {
  return Buffer.from(
    JSON.stringify({ schema: SCHEMA, timestamp, broadcast: broadcast.slice(0, MOST_BLOBS) }),
  );
}

/** @returns undefined for what is no announcement. */
export function decodeAnnouncement(bytes: Uint8Array): Announcement | undefined {
  if (bytes.length === 0 || bytes.length > MOST_BYTES) return undefined;
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
  if (typeof json !== 'object' || json === null) return undefined;
  const { schema, timestamp, broadcast } = json as Readonly<Record<string, unknown>>;
  if (schema !== SCHEMA || !isHash(timestamp) || !Array.isArray(broadcast)) return undefined;
  if (broadcast.length > MOST_BLOBS || !broadcast.every(isAnnounced)) return undefined;
  return { timestamp, broadcast: broadcast.map(({ sha256, length }) => ({ sha256, length })) };
}

function isAnnounced(value: unknown): value is AnnouncedBlob {
  if (typeof value !== 'object' || value === null) return false;
  const { sha256, length } = value as Readonly<Record<string, unknown>>;
  return isHash(sha256) && Number.isSafeInteger(length) && (length as number) >= 0;
}

function isHash(value: unknown): value is string {
  return typeof value === 'string' && BLOB_NAME.test(value);
}

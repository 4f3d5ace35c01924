/** A picture record on its way: the JPEG from the node's disk as the payload, what is known of it as MQTT 5 properties. */

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SnapshotRecord, StoredRecord } from '../../core/messages.ts';
import { isoTime, type Origin } from './envelope.ts';

export interface PayloadProperties {
  readonly contentType: string;
  /** All texts: MQTT knows no other user properties. */
  readonly userProperties?: Readonly<Record<string, string>>;
}

export interface SnapshotMessage {
  readonly payload: Buffer;
  readonly properties: PayloadProperties;
}

/**
 * Why a picture was passed over. `gone`: deleted, or not readable. `replaced`: a better one of the same event took its place,
 * and has a record of its own. `too-large`: the broker does not take it.
 */
export type SnapshotLoss = 'gone' | 'replaced' | 'too-large';

/** Never rejects. */
export type LoadSnapshot = (record: StoredRecord) => Promise<SnapshotMessage | SnapshotLoss>;

/** @param directory data directory of the node, in which `ref` is. */
export function snapshotLoader(directory: string, { site, node }: Origin): LoadSnapshot {
  return async (record) => {
    const { schema, camera, event, ref, width, height, sha256 } = JSON.parse(record.body) as SnapshotRecord;
    let payload: Buffer;
    try {
      payload = await readFile(join(directory, ref));
    } catch {
      return 'gone';
    }
    if (createHash('sha256').update(payload).digest('hex') !== sha256) return 'replaced';
    const { bootId, seq, wall, timeQuality } = record;
    const origin = { schema, site, node, bootId, seq: String(seq), time: isoTime(wall), timeQuality };
    const picture = { camera, event, width: String(width), height: String(height), sha256 };
    return { payload, properties: { contentType: 'image/jpeg', userProperties: { ...origin, ...picture } } };
  };
}

/** What is known of the systems beyond the boot state: versions, why a trial ended, how well the node was before one. */

import { dirname } from 'node:path';
import { readJsonFile, writeFileAtomic } from '../core/atomic-file.ts';
import type { HealthState } from '../core/component.ts';
import { nodeFileSystem } from '../core/file-system.ts';
import type { Slot } from './boot-state.ts';

const SCHEMA = 'vigie.system-record/1';

/** The node before an update: what its successor is held against. */
export interface Baseline {
  /** It may not have been set up yet: then its successor need not answer either. */
  readonly answered: boolean;
  /** State by component. */
  readonly components: Readonly<Record<string, HealthState>>;
}

export interface TrialRecord {
  readonly slot: Slot;
  readonly version: string | null;
  readonly baseline: Baseline;
  /** The system came so far as to say so. */
  readonly begun: boolean;
  /** Why the node was sent back, written before the restart; null when it came otherwise. */
  readonly reason: string | null;
}

export interface Outcome {
  readonly outcome: 'confirmed' | 'rolled-back';
  readonly slot: Slot;
  readonly version: string | null;
  readonly reason: string;
  /** ISO 8601, from the node's clock, which may not be set. */
  readonly at: string;
}

export interface SystemRecord {
  readonly schema: typeof SCHEMA;
  readonly versions: Readonly<Partial<Record<Slot, string | null>>>;
  readonly trial: TrialRecord | null;
  /** How the last trial ended. */
  readonly last: Outcome | null;
}

const NOTHING: SystemRecord = { schema: SCHEMA, versions: {}, trial: null, last: null };

/** A record that is lost or damaged is an empty one: the boot state alone decides what starts. */
export function readRecord(path: string): SystemRecord {
  try {
    const found = readJsonFile(path) as Partial<SystemRecord> | undefined;
    return found?.schema === SCHEMA ? { ...NOTHING, ...found } : NOTHING;
  } catch {
    return NOTHING;
  }
}

/** @throws StorageError `state-write` */
export function writeRecord(path: string, record: SystemRecord): void {
  nodeFileSystem.makeDirectory(dirname(path));
  // Nothing in it is secret, and the node, which runs as another user, reports it.
  writeFileAtomic(path, `${JSON.stringify(record, null, 2)}\n`, 0o644);
}

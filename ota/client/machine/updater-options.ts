/** What the update client is made of: who the node is, where content comes from, and what it asks of the node. */

import type { Clock } from '../../../runtime/core/clock.ts';
import type { FileSystem } from '../../../runtime/core/file-system.ts';
import type { Log } from '../../../runtime/core/log.ts';
import type { EpochMillis, Millis } from '../../../runtime/core/units.ts';
import type { NodeFacts } from '../../bundle/requirements.ts';
import type { ApplyDelta, BlobSource } from '../blob-source.ts';
import type { ConfigurationHost, ModelHost } from '../host.ts';
import type { MetadataSource } from '../tuf/parts.ts';
import type { AskTime } from './check.ts';

export interface UpdateSources {
  readonly metadata: MetadataSource;
  readonly blobs: BlobSource;
}

export interface UpdaterOptions {
  readonly node: string;
  readonly group: string;
  /** `<dataDir>/ota`. */
  readonly directory: string;
  readonly clock: Clock;
  /** When this software was made; 0 when that is not known. */
  readonly built: EpochMillis;
  readonly factoryRoot: Uint8Array;
  readonly sources: UpdateSources;
  readonly applyDelta: ApplyDelta;
  /** Bytes of a delta that is kept in memory instead of on the disk (8 MiB). */
  readonly mostDeltaInMemory?: number;
  readonly host: ModelHost;
  /** Absent: configurations in assignments are passed over. */
  readonly configuration?: ConfigurationHost;
  readonly facts: () => Omit<NodeFacts, 'diskBytes'>;
  readonly askTime?: AskTime;
  /** To `state/NODE`, retained. */
  readonly publishReport: (bytes: Uint8Array) => Promise<void>;
  readonly checkEvery: Millis;
  readonly log: Log;
  /** For the load of a model (2 min). */
  readonly serveLimit?: Millis;
  readonly fs?: FileSystem;
  /** Between two looks at trials (250 ms); 0: whoever made the updater calls `tick`. */
  readonly tickEvery?: Millis;
}

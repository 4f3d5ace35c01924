/** What a profile comes to on the very machine: fewer cores or less memory than the profile thinks mean less. */

import type { Bytes } from '../../core/units.ts';
import { bytes } from '../../core/units.ts';
import type { BoardFacts } from './facts.ts';
import type { DeviceProfile } from './schema.ts';

export interface SessionLimits {
  readonly threads: number;
  readonly memoryLimitBytes: Bytes;
  /** Left out where any core will do. */
  readonly affinity?: readonly number[];
}

export function sessionLimits(
  { models }: DeviceProfile,
  facts: Pick<BoardFacts, 'cores' | 'memory'>,
): SessionLimits {
  const affinity = models.affinity.filter((core) => core < facts.cores);
  // One core stays with sensors and delivery: threads that wait for a core hold up all the others of the model.
  const cores = affinity.length > 0 ? affinity.length : facts.cores - 1;
  return {
    threads: Math.max(1, Math.min(models.threads, cores)),
    memoryLimitBytes: bytes(Math.floor(Math.min(models.memory.most, models.memory.share * facts.memory))),
    ...(affinity.length > 0 ? { affinity } : {}),
  };
}

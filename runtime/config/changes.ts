/** What a new configuration changes: what can be taken over while running, and what needs a restart. Pure. */

import { isDeepStrictEqual } from 'node:util';
import type { z } from 'zod';
import type { KeyMeta } from './schema/common.ts';
import { type Config, rootConfig, type SourceConfig } from './schema/root.ts';
import { buildTags } from './tags.ts';

export interface ReloadPlan {
  readonly logLevel?: Config['log']['level'];
  /** Sources whose way of reading changed while their tags stayed the same: they alone start again. */
  readonly sources: readonly SourceConfig[];
  /** Top-level keys whose change takes effect only after a restart. */
  readonly needsRestart: readonly string[];
}

export function planReload(before: Config, after: Config): ReloadPlan {
  const changed = (Object.keys(rootConfig.shape) as (keyof Config)[]).filter(
    (key) => !isDeepStrictEqual(before[key], after[key]),
  );
  const sources =
    changed.includes('sources') && sameTags(before, after) ? changedSources(before, after) : undefined;
  return {
    ...(changed.includes('log') ? { logLevel: after.log.level } : {}),
    sources: sources ?? [],
    needsRestart: changed.filter((key) =>
      key === 'sources' ? sources === undefined : restartFlag(rootConfig.shape[key]),
    ),
  };
}

function changedSources(before: Config, after: Config): SourceConfig[] {
  return after.sources.filter((source, index) => !isDeepStrictEqual(before.sources[index], source));
}

/** Windows, baselines and the dashboard are laid out by tag: another set of tags is another node. */
function sameTags(before: Config, after: Config): boolean {
  return isDeepStrictEqual(buildTags(before), buildTags(after));
}

const restartFlag = (schema: z.ZodType): boolean => (schema.meta() as KeyMeta | undefined)?.restart === true;

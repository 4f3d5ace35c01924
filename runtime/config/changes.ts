/** What a new configuration changes: what can be taken over while running, and what needs a restart. Pure. */

import { isDeepStrictEqual } from 'node:util';
import type { Config, SourceConfig } from './schema/root.ts';
import { buildTags } from './tags.ts';

export interface ReloadPlan {
  readonly logLevel?: Config['log']['level'];
  /** Sources whose way of reading changed while their tags stayed the same: they alone start again. */
  readonly sources: readonly SourceConfig[];
  /** Top-level keys whose change takes effect only after a restart. */
  readonly needsRestart: readonly string[];
}

/** Keys without the schema's restart flag; written here too, so that a node need not load the schema. */
export const LIVE: readonly (keyof Config)[] = ['log', 'sources'];

export function planReload(before: Config, after: Config): ReloadPlan {
  const changed = (Object.keys({ ...before, ...after }) as (keyof Config)[]).filter(
    (key) => !isDeepStrictEqual(before[key], after[key]),
  );
  const sources =
    changed.includes('sources') && sameTags(before, after) ? changedSources(before, after) : undefined;
  return {
    ...(changed.includes('log') ? { logLevel: after.log.level } : {}),
    sources: sources ?? [],
    needsRestart: changed.filter((key) => (key === 'sources' ? sources === undefined : !LIVE.includes(key))),
  };
}

function changedSources(before: Config, after: Config): SourceConfig[] {
  return after.sources.filter((source, index) => !isDeepStrictEqual(before.sources[index], source));
}

/** Windows, baselines and the dashboard are laid out by tag: another set of tags is another node. */
function sameTags(before: Config, after: Config): boolean {
  return isDeepStrictEqual(buildTags(before), buildTags(after));
}

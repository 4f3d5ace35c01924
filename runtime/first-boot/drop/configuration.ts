/** vigie.yaml as it was dropped: what `vigie check` says of it, and whether the files and secrets it names are there. */

import { loadConfig } from '../../config/load.ts';
import { formatProblem, type Problem } from '../../config/problem.ts';
import { parseYaml } from '../../config/yaml.ts';
import { CONFIG_DIRECTORY } from '../places.ts';

export interface CheckedConfiguration {
  /** `quarantine`: the node runs without the devices that have problems. `refused`: it cannot run. */
  readonly verdict: 'good' | 'quarantine' | 'refused';
  readonly problems: readonly Problem[];
  /** Names that it needs and that are nowhere: a problem each. */
  readonly missing: readonly Reference[];
}

export interface Reference {
  /** `credential:NAME`, or a path right below /etc/vigie. */
  readonly kind: 'secrets' | 'files';
  readonly name: string;
  readonly path: readonly PropertyKey[];
  readonly line: number;
  readonly column: number;
}

/** Names that are there, or come along with the configuration. */
export type Known = Readonly<Record<Reference['kind'], ReadonlySet<string>>>;

/** @param remedy how something missing is brought: 'put it into …'. */
export function checkConfiguration(
  text: string,
  known: Known,
  remedy: (missing: Reference) => string,
): CheckedConfiguration {
  const { config, problems } = loadConfig(text, CONFIG_DIRECTORY);
  // The node would start and tell at the broker's door; the person with the card is here now.
  const missing = references(text).filter(({ kind, name }) => !known[kind].has(name));
  const more = missing.map((reference): Problem => {
    const { kind, name, path, line, column } = reference;
    const what =
      kind === 'secrets' ? `there is no secret '${name}'` : `there is no file ${CONFIG_DIRECTORY}/${name}`;
    return { path, line, column, message: `${what}: ${remedy(reference)}` };
  });
  const all = [...problems, ...more].sort((a, b) => a.line - b.line || a.column - b.column);
  const verdict = !config || more.length > 0 ? 'refused' : problems.length > 0 ? 'quarantine' : 'good';
  return { verdict, problems: all, missing };
}

const FORMS = [
  ['secrets', /^credential:([A-Za-z0-9_.-]+)$/],
  ['files', /^\/etc\/vigie\/([A-Za-z0-9_.-]+)$/],
] as const;

/** Every value that names a secret or a file of the node's; none where the text cannot be read. */
export function references(text: string): Reference[] {
  const { value, problems, locate } = parseYaml(text);
  if (problems.length > 0) return [];
  const found: Reference[] = [];
  const walk = (at: unknown, path: readonly PropertyKey[]): void => {
    if (typeof at === 'string') {
      for (const [kind, form] of FORMS) {
        const name = form.exec(at)?.[1];
        if (name !== undefined) found.push({ kind, name, path, ...locate(path) });
      }
    } else if (Array.isArray(at)) at.forEach((item, index) => void walk(item, [...path, index]));
    else if (at !== null && typeof at === 'object')
      for (const [key, item] of Object.entries(at)) walk(item, [...path, key]);
  };
  walk(value, []);
  return found;
}

/** At most this many are worth reading; the first mistakes often cause the rest. */
const MOST_SHOWN = 100;

export function formatProblems(file: string, problems: readonly Problem[]): string[] {
  const shown = problems.slice(0, MOST_SHOWN).map((problem) => formatProblem(file, problem));
  const more = problems.length - shown.length;
  return more > 0 ? [...shown, `${file}: and ${more} more`] : shown;
}

/** A pushed configuration over the node's own: section by section, except those that only the node's own file decides. */

import { stringify } from 'yaml';
import { loadConfig } from '../load.ts';
import { formatProblem } from '../problem.ts';
import { parseYaml } from '../yaml.ts';

export type Merged = { readonly text: string } | { readonly problems: readonly string[] };

/** Who the node is, and whom it believes: nobody who may push a configuration may change that. */
const OWN = ['node', 'ota'];

/**
 * @param pushed text of the pushed file: the sections that it has replace the node's.
 * @param own text of the node's own file. @param directory where relative paths of both start.
 */
export function mergeConfiguration(pushed: string, own: string, directory: string): Merged {
  const { value, problems, locateKey } = parseYaml(pushed);
  const say = (line: number, column: number, text: string) => [`pushed:${line}:${column}: ${text}`];
  if (problems.length > 0) return { problems: problems.map((problem) => formatProblem('pushed', problem)) };
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { problems: say(1, 1, 'expected sections such as sources: and anomaly:') };
  const foreign = OWN.filter((key) => key in value);
  if (foreign.length > 0) {
    return {
      problems: foreign.flatMap((key) => {
        const { line, column } = locateKey([], key);
        return say(line, column, `${key}: every node keeps the one of its own file; leave it out`);
      }),
    };
  }
  const { value: mine } = parseYaml(own);
  const kept = Object.entries((mine ?? {}) as object).filter(([key]) => !(key in value));
  const text = `${pushed.trimEnd()}\n# Of the node's own file:\n${stringify(Object.fromEntries(kept))}`;
  const checked = loadConfig(text, directory);
  // A device that cannot be read is left out by a node that must start; what is pushed can be mended first.
  if (checked.problems.length > 0)
    return { problems: checked.problems.map((problem) => formatProblem('pushed', problem)) };
  return { text };
}

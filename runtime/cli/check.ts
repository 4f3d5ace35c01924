/** `vigie check`: every error of a configuration, with its place, before the node meets it. */

import { parseArgs } from 'node:util';
import { loadConfigFile } from '../config/load.ts';
import { formatProblem } from '../config/problem.ts';
import { buildTags } from '../config/tags.ts';
import { UsageError } from '../core/errors.ts';
import type { CliCommand } from './command.ts';

export const check: CliCommand = {
  name: 'check',
  summary: 'report every error of a configuration, with file:line:column',
  help: `Usage: vigie check FILE [--json]

Reads a configuration as 'vigie run' would, and reports every error at once as
FILE:LINE:COLUMN: KEY: what was wrong, what was expected. Starts nothing.

Options:
  --json    print { file, ok, problems: [{ line, column, path, message }], quarantined, tags }

Exit status: 0 no errors, 1 errors found, 2 the command line was not understood.

Example:
  vigie check /etc/vigie/vigie.yaml
`,
  async run(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { json: { type: 'boolean' } },
    });
    const [file] = positionals;
    if (file === undefined || positionals.length > 1)
      throw new UsageError('usage', 'name one configuration file');
    const { config, problems, quarantined } = loadConfigFile(file);
    const tags = config ? buildTags(config).length : 0;
    if (values.json) {
      process.stdout.write(
        `${JSON.stringify({ file, ok: problems.length === 0, problems, quarantined, tags })}\n`,
      );
    } else {
      for (const problem of problems) process.stdout.write(`${formatProblem(file, problem)}\n`);
      process.stdout.write(summary(config !== undefined, problems.length, quarantined, tags));
    }
    return problems.length === 0 ? 0 : 1;
  },
};

function summary(runs: boolean, problems: number, quarantined: readonly string[], tags: number): string {
  if (problems === 0) return `ok: ${plural(tags, 'tag')}\n`;
  const count = plural(problems, 'error');
  if (!runs) return `${count}: the node would stay on its last good configuration\n`;
  const without = quarantined.length > 0 ? ` without ${quarantined.join(', ')}` : '';
  return `${count}: the node would run ${plural(tags, 'tag')}${without}\n`;
}

const plural = (count: number, noun: string) => `${count} ${noun}${count === 1 ? '' : 's'}`;

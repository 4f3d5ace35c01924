/** `vigie ota fleet list`: what the nodes say of themselves. */

import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { ReportedModel } from '../../../../ota/protocol/report.ts';
import type { NodeView } from '../../../../ota/publish/fleet/fleet-book.ts';
import { SystemClock } from '../../../core/clock.ts';
import { UsageError } from '../../../core/errors.ts';
import { table } from '../../model/table.ts';
import type { OtaAction } from '../../ota.ts';
import { BROKER_HELP, BROKER_OPTIONS, connectBroker } from '../broker.ts';
import { timeLeft } from '../progress.ts';
import { hearFleet } from './hear.ts';

const DEFAULT_WAIT = '2';

export const fleetList: OtaAction = {
  help: `Usage: vigie ota fleet list [REPO] --broker URL --site NAME [--group NAME] [--json]

Prints the report that each node keeps at the broker: what it runs, tries and refused, and how well it
knows the time. Reports are signed by a key of the node's own; the first one seen is its key from then
on (kept in REPO/fleet.json; without REPO nothing is remembered). In the last column:
  attack     the node refused something that no honest hub or broker sends
  unsigned   a report without a good signature: somebody else writes to the node's topic
  misplaced  a good report of another node
  other-key  signed by another key: the node was set up anew (then --forget it), or somebody
             speaks in its place
  replayed   older than one that was seen before
A report in doubt is not shown; the last good one is.

${BROKER_HELP}
  --group NAME            only nodes of this group
  --wait SECONDS          for reports to come in (default ${DEFAULT_WAIT})
  --forget NODE           trust the key that this node has now (may come several times)
  --json                  print { nodes: [{ node, report, doubts }] }
`,
  async run(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        ...BROKER_OPTIONS,
        group: { type: 'string' },
        wait: { type: 'string', default: DEFAULT_WAIT },
        forget: { type: 'string', multiple: true },
        json: { type: 'boolean' },
      },
    });
    const [path] = positionals;
    const seconds = Number(values.wait);
    if (positionals.length > 1 || !(seconds >= 0))
      throw new UsageError('usage', 'name at most one repository; --wait takes seconds');
    if (values.forget && path === undefined)
      throw new UsageError('usage', 'name the repository that remembers the key to --forget');
    const { FleetBook } = await import('../../../../ota/publish/fleet/fleet-book.ts');
    const { RepositoryFolder } = await import('../../../../ota/publish/repository/folder.ts');
    const folder = path === undefined ? undefined : RepositoryFolder.open(path);
    const book = folder ? FleetBook.load(folder.fleetFile) : new FleetBook();
    for (const node of values.forget ?? []) book.forget(node);
    const broker = await connectBroker(values);
    try {
      await hearFleet(broker, book);
      await pause(seconds * 1000);
    } finally {
      await broker.link.close();
    }
    if (folder) book.save(folder.fleetFile);
    const nodes = book.nodes.filter(({ report }) => !values.group || report?.group === values.group);
    const now = new SystemClock().wall();
    process.stdout.write(values.json ? `${JSON.stringify({ nodes })}\n` : fleetTable(nodes, now));
    return 0;
  },
};

/** @param now milliseconds since 1970. */
export function fleetTable(nodes: readonly NodeView[], now: number): string {
  if (nodes.length === 0) return 'no node has reported\n';
  const rows = nodes.map(({ node, report, doubts }) => {
    const marks = [...(report?.attack ? ['attack'] : []), ...doubts].join(' ');
    if (!report) return [node, '-', '-', '-', '-', '-', marks];
    const { group, models, runtime, timeTrust, time } = report;
    const age = Math.max(0, now - time) / 1000;
    return [
      node,
      group,
      models.map(modelText).join('; ') || 'none',
      runtime,
      timeTrust,
      timeLeft(age),
      marks,
    ];
  });
  return table(['node', 'group', 'models', 'vigie', 'time', 'age', ''], rows);
}

/** `score 3, trial of 4 (2 attempts left), 2 refused: selftest-failed`. */
export function modelText({ name, active, trial, staged, refused, pinned, trouble }: ReportedModel): string {
  const parts = [`${name} ${active?.release ?? '-'}`];
  if (trial) parts.push(`trial of ${trial.release} (${trial.attemptsLeft} attempts left)`);
  if (staged) parts.push(`${staged.release} staged`);
  if (refused) parts.push(`${refused.release} refused: ${refused.code}`);
  if (pinned) parts.push('pinned');
  if (trouble !== null) parts.push(`trouble: ${trouble}`);
  return parts.join(', ');
}

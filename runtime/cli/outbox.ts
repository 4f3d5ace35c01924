/** `vigie outbox`: a look into the queue of records that wait for the broker. */

import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { UsageError } from '../core/errors.ts';
import { RECORD_CLASSES, type RecordClass } from '../core/messages.ts';
import type { ClassSummary, OutboxSummary } from '../sinks/outbox/inspect.ts';
import type { CliCommand } from './command.ts';
import { DEFAULT_DATA } from './defaults.ts';

export const outbox: CliCommand = {
  name: 'outbox',
  summary: 'look into the queue of records that wait for the broker',
  help: `Usage: vigie outbox show   [PLACE] [--json]
       vigie outbox export [PLACE] [--class CLASS]
       vigie outbox clear  [PLACE] [--class CLASS] --yes

The outbox keeps every record on disk until the broker has it. 'show' and 'export'
only read and work while the node runs; 'clear' needs it stopped.

PLACE is the node's data directory (default ${DEFAULT_DATA}), or a database file such as
one that was moved aside: outbox.db.corrupt-1.

  show      how much waits by class, since when, which starts of the node wrote it,
            and which damaged files were moved aside
  export    each record as one line of JSON, in sending order: bootId, seq, class,
            topic, time, timeQuality, body. Wall times of 'unsynced' records are as
            the clock had them; the node corrects them when it sends them.
  clear     delete what waits: it will never reach the broker

Options:
  --class   only this class: ${RECORD_CLASSES.join(', ')}
  --json    print what 'show' says as one JSON object
  --yes     'clear' without it deletes nothing

Exit status: 0 ok, 1 failure, 2 the command line was not understood.

Examples:
  vigie outbox show
  vigie outbox export /var/lib/vigie --class event > events.jsonl
  systemctl stop vigie && vigie outbox clear --class reading --yes
`,
  async run(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { json: { type: 'boolean' }, yes: { type: 'boolean' }, class: { type: 'string' } },
    });
    const [action, place = DEFAULT_DATA, ...more] = positionals;
    if (!action || more.length > 0)
      throw new UsageError('usage', 'name show, export or clear, and one place');
    const classes = classesOf(values.class);
    const { clear, findDatabase, summarise } = await import('../sinks/outbox/inspect.ts');
    const database = () => findDatabase(place);
    switch (action) {
      case 'show': {
        const summary = summarise(database());
        process.stdout.write(values.json ? `${JSON.stringify(summary)}\n` : describe(summary));
        return 0;
      }
      case 'export':
        return exportRecords(database(), classes);
      case 'clear': {
        if (!values.yes) throw new UsageError('usage', 'clear deletes records for good: say --yes to do it');
        const removed = await clear(database(), classes);
        process.stdout.write(
          values.json ? `${JSON.stringify({ removed })}\n` : `${removed} records deleted\n`,
        );
        return 0;
      }
      default:
        throw new UsageError('usage', `unknown action '${action}'; there are: show, export, clear`);
    }
  },
};

function classesOf(wanted: string | undefined): readonly RecordClass[] {
  if (wanted === undefined) return RECORD_CLASSES;
  const known = RECORD_CLASSES.filter((name) => name === wanted);
  if (known.length > 0) return known;
  throw new UsageError('usage', `unknown class '${wanted}'; there are: ${RECORD_CLASSES.join(', ')}`);
}

async function exportRecords(database: string, classes: readonly RecordClass[]): Promise<number> {
  const { forEachRecord } = await import('../sinks/outbox/inspect.ts');
  const damaged = await forEachRecord(database, async (row) => {
    if (!classes.includes(row.class)) return;
    const { bootId, seq, class: recordClass, topic, wall, timeQuality, mono, body } = row;
    const time = new Date(wall).toISOString();
    const line = { bootId, seq, class: recordClass, topic, time, timeQuality, mono, body: JSON.parse(body) };
    if (!process.stdout.write(`${JSON.stringify(line)}\n`)) await once(process.stdout, 'drain');
  });
  if (damaged === 0) return 0;
  process.stderr.write(`vigie: ${damaged} records were damaged and are left out\n`);
  return 1;
}

function describe(summary: OutboxSummary): string {
  const { database, running, classes, bootIds, files, aside } = summary;
  const lines = [
    `${database}: ${running ? 'in use by a running node' : 'no node has it open'}`,
    `${kilobytes(files.databaseBytes)} on disk, ${kilobytes(files.logBytes)} of write-ahead log`,
    ...RECORD_CLASSES.map((name) => describeClass(name, classes[name])),
    `starts of the node: ${bootIds.join(', ') || 'none'}`,
    ...aside.map((path) => `moved aside: ${path} (vigie outbox export ${path})`),
  ];
  return `${lines.join('\n')}\n`;
}

function describeClass(name: RecordClass, { records, bytes, oldest }: ClassSummary): string {
  const head = `${name.padEnd(8)} ${String(records).padStart(8)} records  ${kilobytes(bytes).padStart(10)}`;
  if (!oldest) return head;
  const unsure = oldest.timeQuality === 'unsynced' ? ' (clock not set then)' : '';
  const time = new Date(oldest.wall).toISOString();
  return `${head}  oldest ${time}${unsure}, ${oldest.bootId} ${oldest.seq}`;
}

const kilobytes = (bytes: number): string => `${Math.ceil(bytes / 1000)} kB`;

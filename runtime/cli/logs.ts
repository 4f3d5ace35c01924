/** `vigie logs`: what the service said, out of the journal of the machine. */

import { parseArgs } from 'node:util';
import { UsageError } from '../core/errors.ts';
import type { CliCommand } from './command.ts';

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;
const MOST_LINES = 1_000_000;

export const logs: CliCommand = {
  name: 'logs',
  summary: 'show what the service said, from the journal',
  help: `Usage: vigie logs [--lines N] [--since TIME] [--until TIME] [--boot [N]] [--level LEVEL]
                  [--component NAME] [--event ID] [--follow] [--json] [--directory DIR]

The log of the service and of its safe mode, as journald keeps it: time, level, component,
message, and the facts of each line. Oldest first.

Options:
  --lines N         the last N lines (default 200; with --since: all of them)
  --since TIME      from then on: '10 min ago', today, '2026-11-21 08:00'
  --until TIME      up to then
  --boot N          of one start of the machine: 0 the present one, -1 the one before
  --level LEVEL     this level and worse: ${LEVELS.join(', ')}
  --component NAME  of one component, such as modbus or a source's name
  --event ID        of one event or a family of them: modbus.unit.offline, modbus
  --follow, -f      go on with what is said from now on
  --json            each line as the service wrote it, one JSON object per line
  --directory DIR   a journal that was copied from another machine

Reading the journal needs root or the group systemd-journal:
  sudo usermod -aG systemd-journal $USER

Exit status: 0 ok, 1 failure, 2 the command line was not understood.

Examples:
  vigie logs --follow
  vigie logs --since '1 hour ago' --level warn
  vigie logs --event modbus --json | jq .unit
`,
  async run(args) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        lines: { type: 'string' },
        since: { type: 'string' },
        until: { type: 'string' },
        boot: { type: 'string' },
        level: { type: 'string' },
        component: { type: 'string' },
        event: { type: 'string' },
        follow: { type: 'boolean', short: 'f' },
        json: { type: 'boolean' },
        directory: { type: 'string' },
      },
    });
    const lines = linesOf(values.lines, values.since !== undefined);
    const [{ readJournal }, { formatLine, matches }] = await Promise.all([
      import('./logs/journal.ts'),
      import('./logs/line.ts'),
    ]);
    const level = levelOf(values.level);
    const wanted = { ...values, level };
    let shown = 0;
    const filtered = level !== undefined || values.component !== undefined || values.event !== undefined;
    // Of lines that are passed over nobody knows how many stand between those that are wanted.
    const found: string[] = [];
    const show = (text: string) => process.stdout.write(text);
    await readJournal({ ...values, lines: filtered ? undefined : lines }, (entry) => {
      if (!matches(entry, wanted)) return;
      shown += 1;
      const text = values.json ? `${JSON.stringify(entry.line)}\n` : formatLine(entry);
      if (!filtered || values.follow || lines === undefined) show(text);
      else if (found.push(text) > lines) found.shift();
    });
    for (const text of found) show(text);
    if (shown === 0) process.stderr.write(`${NOTHING}\n`);
    return 0;
  },
};

const NOTHING =
  'vigie: the journal has no such lines. Has the service run (systemctl status vigie)? May you read the journal (sudo)?';

function linesOf(text: string | undefined, since: boolean): number | undefined {
  if (text === undefined) return since ? undefined : 200;
  const lines = Number(text);
  if (Number.isInteger(lines) && lines >= 1 && lines <= MOST_LINES) return lines;
  throw new UsageError('usage', `--lines takes a whole number from 1 to ${MOST_LINES}, found '${text}'`);
}

function levelOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const index = (LEVELS as readonly string[]).indexOf(text);
  if (index >= 0) return index;
  throw new UsageError('usage', `unknown level '${text}'; there are: ${LEVELS.join(', ')}`);
}

/** `vigie bench`: the project's figures, measured here and now. */

import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Bench, BenchReport, BenchResult } from '../../bench/bench.ts';
import { UsageError } from '../core/errors.ts';
import type { CliCommand } from './command.ts';

function benchFolder(): URL {
  return new URL('../../bench/', import.meta.url);
}

const extension = () => (import.meta.url.endsWith('.ts') ? '.ts' : '.js');

/** Files of bench/ that export `run`; the others, in sub-folders or named here, are their parts. */
const PARTS = ['bench'];

function names(): string[] {
  const folder = fileURLToPath(benchFolder());
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((file) => file.endsWith(extension()))
    .map((file) => file.slice(0, -extension().length))
    .filter((name) => !PARTS.includes(name))
    .sort();
}

export const bench: CliCommand = {
  name: 'bench',
  summary: 'measure this machine: trees, node, modbus, delivery, start …',
  help: `Usage: vigie bench NAME [--minutes N] [--json]
       vigie bench            (lists what there is to measure)

Measures one thing and compares it with its target. Each default run takes less than a
minute or two. Machines are noisy: compare figures of one run, not of different days.

Options:
  --minutes N  how long to measure, for benchmarks that run by time (node: 2)
  --json       print { bench, machine, results: [{ metric, value, unit, target, ok }] }

Exit status: 0 every target met, 1 a target missed, 2 the command line was not understood.

Examples:
  vigie bench trees
  vigie bench node --minutes 10 --json
`,
  async run(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { json: { type: 'boolean' }, minutes: { type: 'string' } },
    });
    const [name] = positionals;
    if (name === undefined) return list();
    if (!names().includes(name))
      throw new UsageError('usage', `no benchmark '${name}'; there are: ${names().join(', ')}`);
    const minutes = values.minutes === undefined ? undefined : Number(values.minutes);
    if (minutes !== undefined && !(minutes > 0 && minutes <= 60))
      throw new UsageError('usage', '--minutes takes a number up to 60');
    const report = await measure(name, minutes);
    process.stdout.write(values.json ? `${JSON.stringify(report)}\n` : table(report));
    return report.results.every(({ ok }) => ok) ? 0 : 1;
  },
};

async function list(): Promise<number> {
  for (const name of names()) process.stdout.write(`${name.padEnd(10)} ${(await load(name)).summary}\n`);
  return 0;
}

async function load(name: string): Promise<Bench> {
  return (await import(new URL(name + extension(), benchFolder()).href)) as Bench;
}

async function measure(name: string, minutes: number | undefined): Promise<BenchReport> {
  const { machineName } = await import('../../bench/bench.ts');
  const module = await load(name);
  const progress = (line: string) => process.stderr.write(`bench ${name}: ${line}\n`);
  const results = await module.run({ progress, ...(minutes === undefined ? {} : { minutes }) });
  return { bench: name, machine: machineName(), results };
}

function table({ bench, machine, results }: BenchReport): string {
  const row = ({ metric, value, unit, target, ok }: BenchResult) =>
    `  ${metric.padEnd(28)} ${String(value).padStart(12)} ${unit.padEnd(8)} ${target.padEnd(12)} ${target ? (ok ? 'met' : 'MISSED') : ''}`.trimEnd();
  return `${bench} on ${machine}\n${results.map(row).join('\n')}\n`;
}

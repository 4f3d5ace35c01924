/** `vigie doctor`: looks at everything the node stands on, and says the fix for what is wrong. */

import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { loadConfigFile } from '../config/load.ts';
import { formatProblem } from '../config/problem.ts';
import type { Config } from '../config/schema/root.ts';
import type { CliCommand } from './command.ts';
import { DEFAULT_CONFIG, DEFAULT_DATA } from './defaults.ts';
import { backends } from './doctor/backends.ts';
import { board } from './doctor/board.ts';
import { cameras, capture } from './doctor/cameras.ts';
import { type Finding, failure, ok, warning } from './doctor/finding.ts';
import { addon, clock, storage, versions } from './doctor/machine.ts';
import { broker, dashboard } from './doctor/network.ts';
import { sources } from './doctor/plant.ts';

export const doctor: CliCommand = {
  name: 'doctor',
  summary: 'look at buses, cameras, broker, clock, disk, addon and versions, and say the fix',
  help: `Usage: vigie doctor [--config FILE] [--data-dir DIR] [--profile NAME|FILE] [--json]

Looks at everything the node stands on: versions, native addon, the board and its device
profile, what can run models and read cameras here, clock, disk, the configuration, each source's bus or
serial port, each camera (a real frame), the broker (a real login), the dashboard.
Changes nothing. Run it as the user the service runs as, to see what the service sees.

Options:
  --config FILE    configuration (default ${DEFAULT_CONFIG}, left out when absent)
  --data-dir DIR   state directory (default: $STATE_DIRECTORY, else ${DEFAULT_DATA})
  --profile NAME|FILE
                   device profile (default: what the configuration names, else the board's)
  --json           print [{ check, state: ok|warning|failure, detail, fix }]

Exit status: 0 no failure, 1 a failure found, 2 the command line was not understood.

Example:
  vigie doctor --config vigie.yaml --data-dir ./data
`,
  async run(args) {
    const options = {
      config: { type: 'string' },
      'data-dir': { type: 'string' },
      profile: { type: 'string' },
      json: { type: 'boolean' },
    } as const;
    const { values } = parseArgs({ args: [...args], options });
    const dataDir = resolve(values['data-dir'] ?? process.env.STATE_DIRECTORY ?? DEFAULT_DATA);
    const { config, findings: read } = readConfig(values.config);
    const findings = [
      versions(),
      addon(),
      ...board(values.profile, config?.device.profile),
      await backends(values.profile ?? config?.device.profile),
      capture(config?.cameras.length ?? 0),
      clock(),
      ...storage(dataDir),
      ...read,
      ...(config ? await plant(config, values.profile) : []),
    ];
    if (values.json) process.stdout.write(`${JSON.stringify(findings)}\n`);
    else for (const finding of findings) process.stdout.write(line(finding));
    return findings.some(({ state }) => state === 'failure') ? 1 : 0;
  },
};

function readConfig(named: string | undefined): { config?: Config | undefined; findings: Finding[] } {
  const file = resolve(named ?? DEFAULT_CONFIG);
  if (named === undefined && !existsSync(file)) {
    const fix = 'write one (docs/configuration.md), or name another with --config';
    return { findings: [warning('configuration', `there is no ${file}`, fix)] };
  }
  const { config, problems } = loadConfigFile(file);
  const wrong = problems.map((problem) =>
    failure(
      'configuration',
      formatProblem(file, problem),
      'mend the line; vigie check says when it is right',
    ),
  );
  const good = ok('configuration', `${file} has no errors`);
  return { config, findings: problems.length === 0 ? [good] : wrong };
}

async function plant(config: Config, profile: string | undefined): Promise<Finding[]> {
  const watched = await cameras(config.cameras, profile ?? config.device.profile);
  return [...(await sources(config)), ...watched, await broker(config), await dashboard(config.http)];
}

const MARK = { ok: 'ok     ', warning: 'warning', failure: 'FAILURE' };

function line({ check, state, detail, fix }: Finding): string {
  return `${MARK[state]}  ${check}: ${detail}\n${fix ? `         ${fix}\n` : ''}`;
}

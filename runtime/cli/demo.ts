/** `vigie demo`: a plant to watch, a broker and a node, in one command. */

import { parseArgs } from 'node:util';
import { UsageError } from '../core/errors.ts';
import type { CliCommand } from './command.ts';

const DEFAULT_PORT = 8470;

export const demo: CliCommand = {
  name: 'demo',
  summary: 'watch a simulated plant: dashboard, faults, explained anomalies',
  help: `Usage: vigie demo [--port N] [--broker URL] [--seed N]

Starts a simulated wastewater plant (127 sensors behind real Modbus TCP), a small MQTT
broker and a node that learns the plant's normal behaviour for a minute. Then faults begin,
one of each kind in turn; each shows up as an explained anomaly in the dashboard and on
the broker, and is printed here. Nothing is kept; Ctrl-C ends everything.

Options:
  --port N      dashboard port (default ${DEFAULT_PORT})
  --broker URL  deliver to this MQTT 5 broker instead of the embedded one
  --seed N      another plant of the same kind (default 1)

Exit status: 0 ended by Ctrl-C, 1 failure, 2 the command line was not understood.

Examples:
  vigie demo --port 9000 --broker mqtt://localhost:1883
  mosquitto_sub -p PORT -t 'vigie/#' -v    in a second terminal; the broker's port is printed
`,
  async run(args) {
    const options = {
      port: { type: 'string' },
      broker: { type: 'string' },
      seed: { type: 'string' },
    } as const;
    const { values } = parseArgs({ args: [...args], options });
    const port = wholeNumber('port', values.port ?? String(DEFAULT_PORT), 65_535);
    const seed = wholeNumber('seed', values.seed ?? '1', 2 ** 31);
    const { startDemo } = await import('../../simulator/demo/demo.ts');
    const say = (line: string) => void process.stdout.write(`${line}\n`);
    const running = await startDemo({ port, seed, broker: values.broker, say });
    const signalled = new Promise<'signal'>((resolve) => {
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => resolve('signal'));
    });
    const ended = await Promise.race([signalled, running.nodeExit]);
    await running.stop();
    if (ended === 'signal') return 0;
    say(`the node ended by itself with status ${ended}; its last messages are above`);
    return 1;
  },
};

function wholeNumber(name: string, text: string, most: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0 && value <= most) return value;
  throw new UsageError('usage', `--${name} takes a whole number from 1 to ${most}, found '${text}'`);
}

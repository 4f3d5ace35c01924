/** `vigie evaluate`: how good the node's decisions are, on recordings and pictures whose truth is known. */

import { parseArgs } from 'node:util';
import { UsageError } from '../core/errors.ts';
import type { CliCommand } from './command.ts';

/** One thing to evaluate; each lives in a file of its own, loaded only when it is asked for. */
export interface Evaluate {
  readonly help: string;
  run(args: readonly string[]): Promise<number>;
}

const KINDS: Readonly<Record<string, () => Promise<Evaluate>>> = {
  anomaly: async () => (await import('./evaluate/anomaly.ts')).anomaly,
  detection: async () => (await import('./evaluate/detection.ts')).detection,
  intrusion: async () => (await import('./evaluate/intrusion.ts')).intrusion,
};

export const evaluate: CliCommand = {
  name: 'evaluate',
  summary: 'score anomaly detectors, detection models and intrusion events on labelled data',
  help: `Usage: vigie evaluate anomaly --data DIR
       vigie evaluate detection --images DIR --annotations FILE --model MODEL
       vigie evaluate intrusion --video FILE --expect FILE --model MODEL

  anomaly    the anomaly detectors, on recordings of sensors
  detection  a detection model, on pictures with true boxes: average precision, recall, time
  intrusion  model, tracker and zones together, on a recording: events found, missed, false

'vigie evaluate KIND --help' tells more; every kind takes --json.

Exit status: 0 scored, 1 the data cannot be used, 2 the command line was not understood.

Example:
  vigie evaluate anomaly --data ../shared/data/skab --detector all
`,
  helpFor: async ([kind]) => (await known(kind))?.help,
  async run(args) {
    const [name, ...rest] = args;
    // Says what is wrong with an option that stands in the kind's place.
    if (name?.startsWith('-')) parseArgs({ args: [...args] });
    const kind = await known(name);
    if (!kind) {
      const names = Object.keys(KINDS).map((one) => `'${one}'`);
      throw new UsageError('usage', `say what to evaluate: ${names.join(', ')}`);
    }
    return await kind.run(rest);
  },
};

function known(name: string | undefined): Promise<Evaluate> | undefined {
  return name !== undefined && Object.hasOwn(KINDS, name) ? KINDS[name]?.() : undefined;
}

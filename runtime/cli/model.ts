/** `vigie model`: from an ONNX file to a model that serves on a board, and what it does there. */

import { parseArgs } from 'node:util';
import { UsageError, VigieError } from '../core/errors.ts';
import type { CliCommand } from './command.ts';

/** One of the actions; each lives in a file of its own, loaded only when it is called. */
export interface ModelAction {
  readonly help: string;
  run(args: readonly string[]): Promise<number>;
}

const ACTIONS: Readonly<Record<string, () => Promise<ModelAction>>> = {
  fetch: async () => (await import('./model/fetch.ts')).fetch,
  inspect: async () => (await import('./model/inspect.ts')).inspect,
  compile: async () => (await import('./model/compile.ts')).compile,
  run: async () => (await import('./model/run.ts')).run,
  verify: async () => (await import('./model/verify.ts')).verify,
  bench: async () => (await import('./model/bench.ts')).bench,
};

export const model: CliCommand = {
  name: 'model',
  summary: 'fetch, inspect, compile, run, verify and bench models',
  help: `Usage: vigie model fetch [NAME]
       vigie model inspect FILE
       vigie model compile MODEL.onnx --backend xnnpack -o MODEL.xnn
       vigie model run MODEL INPUT…
       vigie model verify PLAN --against MODEL.onnx [INPUT…]
       vigie model bench MODEL…

From an .onnx file to results on a board:

  fetch     get a known-good public model, with its manifest; without a name, list them
  inspect   what a file holds, and whether every node of it can be compiled
  compile   make the plan that XNNPACK runs, after checking it against ONNX Runtime
  run       run a model on a picture, a CSV file or tensors, and print what it says
  verify    run plan and model side by side, and print the largest differences
  bench     latency, throughput, memory and load time, by backend and threads

'vigie model ACTION --help' tells more. Every action takes --json; errors are then printed as
{ "error": { code, message, facts } }. docs/models.md goes through all of it with an example.

Exit status: 0 done, 1 the model or an input cannot be used, 2 the command line was not understood.

Examples:
  vigie model compile yolox_nano.onnx --backend xnnpack -o yolox_nano.xnn
  vigie model run yolox_nano.xnn photo.jpg
`,
  actions: Object.keys(ACTIONS),
  helpFor: async ([action]) => (await known(action))?.help,
  async run(args) {
    const [name, ...rest] = args;
    // Says what is wrong with an option that stands in the action's place.
    if (name === undefined || name.startsWith('-')) parseArgs({ args: [...args] });
    const action = await known(name);
    const names = Object.keys(ACTIONS).join(', ');
    if (!action)
      throw new UsageError(
        'usage',
        name ? `unknown action '${name}'; there are: ${names}` : `name one of ${names}`,
      );
    try {
      return await action.run(rest);
    } catch (error) {
      if (!rest.includes('--json') || !(error instanceof VigieError) || error instanceof UsageError)
        throw error;
      const { code, message, facts } = error;
      process.stdout.write(`${JSON.stringify({ error: { code, message, facts } })}\n`);
      return 1;
    }
  },
};

function known(name: string | undefined): Promise<ModelAction> | undefined {
  return name !== undefined && Object.hasOwn(ACTIONS, name) ? ACTIONS[name]?.() : undefined;
}

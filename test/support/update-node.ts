/** A node that follows a fleet: two tags from a looped recording, a model of a bundle on them. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { askNode } from '../../runtime/cli/ask-node.ts';
import type { StatusAnswer } from '../../runtime/cli/ota/node/answers.ts';
import type { Fleet } from './fleet.ts';
import { type NodeFolder, nodeFolder, type RunningNode, runNode } from './node.ts';
import { waitFor } from './wait.ts';

export interface UpdateNodeOptions {
  readonly name?: string;
  readonly fleet: Fleet;
  /** Left out: no broker. */
  readonly broker?: string;
  readonly httpPort: number;
  /** Of the section `ota`. */
  readonly ota?: Readonly<Record<string, unknown>>;
}

/** Recorded rows a second. */
export const ROWS_PER_SECOND = 50;
const ROWS = 500;

export interface UpdateNode {
  readonly folder: NodeFolder;
  /** The process that runs now. */
  readonly node: RunningNode;
  /** Starts it again, after `kill` or an end of its own. */
  start(): RunningNode;
  kill(): Promise<void>;
  status(): Promise<StatusAnswer>;
  model(name?: string): Promise<StatusAnswer['models'][number] | undefined>;
  /** Waits until the model satisfies the condition. */
  until(
    what: string,
    condition: (model: StatusAnswer['models'][number]) => boolean,
    limitMs?: number,
  ): Promise<StatusAnswer['models'][number]>;
  ask(command: string, args?: Readonly<Record<string, unknown>>): Promise<Readonly<Record<string, unknown>>>;
}

/** For `until`: this release is the one in use, and it answers. */
export const serves =
  (release: number) =>
  ({ active, serving }: Pick<StatusAnswer['models'][number], 'active' | 'serving'>): boolean =>
    active?.release === release && serving?.release === release;

/** Writes its folder and starts it. */
export function startUpdateNode(options: UpdateNodeOptions): UpdateNode {
  const folder = nodeFolder(nodeConfig(options));
  writeFileSync(join(folder.path, 'rows.csv'), recording());
  let node = runNode(folder);
  const ask: UpdateNode['ask'] = (command, args) => askNode(folder.dataDir, command, args);
  const status = async () => (await ask('ota-status')) as unknown as StatusAnswer;
  const model: UpdateNode['model'] = async (name = 'score') =>
    (await status().catch(() => undefined))?.models.find((one) => one.name === name);
  return {
    folder,
    get node() {
      return node;
    },
    start: () => {
      node = runNode(folder);
      return node;
    },
    kill: async () => {
      node.signal('SIGKILL');
      await node.exit;
    },
    status,
    model,
    until: async (what, condition, limitMs) => {
      let last: unknown;
      try {
        return await waitFor(
          what,
          async () => {
            const found = await model();
            last = found;
            return found && condition(found) ? found : undefined;
          },
          limitMs,
        );
      } catch (error) {
        const said = node.lines.slice(-12).map((line) => JSON.stringify(line));
        throw new Error(
          `${(error as Error).message}\n${JSON.stringify(last)}\n${said.join('\n')}\n${node.stderr()}`,
        );
      }
    },
    ask,
  };
}

export function nodeConfig({ name = 'node-1', fleet, broker, httpPort, ota }: UpdateNodeOptions): object {
  return {
    node: { site: 'plant', name },
    sources: [
      {
        type: 'replay',
        name: 'rows',
        file: 'rows.csv',
        loop: true,
        tags: [
          { name: 'a', group: 'pumps', period: '100ms' },
          { name: 'b', group: 'pumps', period: '100ms' },
        ],
      },
    ],
    anomaly: { models: [{ name: 'learned', group: 'pumps', bundle: 'score', inputs: ['a', 'b'] }] },
    ...(broker && { mqtt: { url: broker, reconnect: { min: '100ms', max: '300ms' } } }),
    http: { port: httpPort },
    ota: { root: fleet.rootFile, group: fleet.group, jitter: '0ms', ...ota },
  };
}

/** Of two tags, as `nodeConfig` replays it: `rows.csv`. */
export function recording(): string {
  const rows = Array.from({ length: ROWS }, (_, i) => {
    const time = new Date(Date.UTC(2026, 0, 1) + (i * 1000) / ROWS_PER_SECOND).toISOString();
    return `${time},${(Math.sin(i / 10) + 2).toFixed(3)},${(Math.cos(i / 10) + 2).toFixed(3)}`;
  });
  return `time,a,b\n${rows.join('\n')}\n`;
}

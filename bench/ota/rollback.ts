/**
 * A running node, real broker and hub: releases that break their gate with their first answer go on trial, one after the
 * other. What is measured is the node's own log: from the moment that such a release serves, and so breaks its gate, to
 * the moment that the one before serves again.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { InputError } from '../../runtime/core/errors.ts';
import { scoreOnnx } from '../../test/support/bundles.ts';
import { Fleet } from '../../test/support/fleet.ts';
import { freePort, startMosquitto } from '../../test/support/mosquitto.ts';
import { nodeConfig, recording } from '../../test/support/update-node.ts';
import { NodeProcess } from '../lib/node-process.ts';

const MIB = 1024 ** 2;
const BALLAST = 4 * MIB;
const BAD_RELEASES = 5;
const PATIENCE_MS = 60_000;
/** What no model keeps to. */
const BROKEN_GATE = { minInferences: 1, latencyP95Ms: 1e-6, windowSeconds: 60 };

export interface RolledBack {
  /** From serving, with the gate broken by the first answer, to the release before serving again; ms. */
  readonly times: readonly number[];
  /** As the node says it. */
  readonly reason: string;
}

export async function measureRollback(): Promise<RolledBack> {
  const broker = await startMosquitto();
  const fleet = new Fleet();
  const folder = mkdtempSync(join(tmpdir(), 'vigie-bench-'));
  let node: NodeProcess | undefined;
  try {
    await fleet.add({ release: 1, model: scoreOnnx(2, 1, 0, BALLAST) });
    await fleet.assign([{ release: 1 }]);
    await fleet.serve(broker.url);
    writeFileSync(join(folder, 'rows.csv'), recording());
    const config = nodeConfig({ fleet, broker: broker.url, httpPort: await freePort() });
    node = new NodeProcess({ folder, config: config as Record<string, unknown> });
    await logged(node, 'ota.trial.committed', 1);
    const times: number[] = [];
    for (let bad = 1; bad <= BAD_RELEASES; bad++) {
      const release = bad + 1;
      await fleet.add({ release, model: scoreOnnx(2, release, 0, BALLAST), health: BROKEN_GATE });
      await fleet.assign([{ release }]);
      await logged(node, 'ota.trial.rolled-back', bad);
      // At the start, then there and back for each that was bad.
      const [began, ended] = (await logged(node, 'model.serves', 1 + 2 * bad)).slice(-2);
      times.push(Date.parse(ended!.time) - Date.parse(began!.time));
    }
    const [last] = (await logged(node, 'ota.trial.rolled-back', BAD_RELEASES)).slice(-1);
    return { times, reason: String(last!.reason) };
  } finally {
    await node?.stop();
    await fleet.remove();
    await broker.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

type Line = Readonly<Record<string, unknown>> & { readonly time: string };

/** @returns the lines of an event, once there are so many. @throws InputError `bench-node` */
async function logged(node: NodeProcess, event: string, count: number): Promise<Line[]> {
  for (let waited = 0; waited < PATIENCE_MS; waited += 20) {
    const lines = linesOf(node, event);
    if (lines.length >= count) return lines;
    await sleep(20);
  }
  const text = `the node did not log ${event} ${count} times:\n${node.log().slice(-2000)}`;
  throw new InputError('bench-node', text);
}

function linesOf(node: NodeProcess, event: string): Line[] {
  const lines = node.log().split('\n').slice(0, -1);
  return lines.filter((line) => line.includes(`"event":"${event}"`)).map((line) => JSON.parse(line) as Line);
}

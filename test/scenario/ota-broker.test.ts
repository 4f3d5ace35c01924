/**
 * Case 32: the broker is killed at every state of an update, on a real mosquitto that keeps nothing over a restart. What
 * served before serves on meanwhile, and once the broker is back the update ends without anybody's help.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { AssignedRelease } from '../../ota/bundle/assignment.ts';
import type { ModelRecord } from '../../ota/client/machine/record.ts';
import type { Request } from '../../ota/protocol/frames.ts';
import { decodeReport } from '../../ota/protocol/report.ts';
import { scoreCase, scoreOnnx } from '../support/bundles.ts';
import { Fleet } from '../support/fleet.ts';
import { freePort, type Mosquitto, startMosquitto } from '../support/mosquitto.ts';
import { getMetric, killNodes } from '../support/node.ts';
import { subscribe } from '../support/subscriber.ts';
import { serves, startUpdateNode, type UpdateNode } from '../support/update-node.ts';
import { waitFor } from '../support/wait.ts';

/** A few blocks. */
const BALLAST = 300_000;
const HOUR = 3_600_000;

let fleet: Fleet;
let broker: Mosquitto;
let node: UpdateNode;
let port: number;
/** Of one state: the request at which the broker goes. */
let fatal: ((request: Request) => boolean) | undefined;
let killed: Promise<void> | undefined;

test.before(async () => {
  broker = await startMosquitto();
  fleet = new Fleet();
  await fleet.add({ release: 1, model: scoreOnnx(2), cases: [scoreCase([1, 2], 3)] });
  await fleet.assign([{ release: 1 }]);
  await fleet.serve(broker.url, 'plant', (request) => {
    if (!fatal?.(request)) return false;
    fatal = undefined;
    killed = broker.halt();
    return true;
  });
  port = await freePort();
  node = startUpdateNode({ fleet, broker: broker.url, httpPort: port });
  await node.until('release 1 to serve', serves(1));
});
test.after(async () => {
  killNodes();
  await fleet?.remove();
  await broker?.stop();
  node?.folder.remove();
});

/** From the disk: the node is not disturbed, and no state is too short to be seen. */
function record(): ModelRecord | undefined {
  try {
    return JSON.parse(readFileSync(join(node.folder.dataDir, 'ota/models/score.json'), 'utf8')).record;
  } catch {
    return undefined;
  }
}

/** The hours of the day in which it is not now, UTC. */
function otherHours(): AssignedRelease['window'] {
  const hour = Math.floor(Date.now() / HOUR) % 24;
  return { from: (hour + 2) % 24, to: (hour + 3) % 24 };
}

interface State {
  readonly name: string;
  /** For the requests that lead there, when the digest of the release is known. */
  readonly request?: (digest: string) => (request: Request) => boolean;
  /** For states in which the node asks for nothing. */
  readonly reached?: (record: ModelRecord, release: number) => boolean;
  readonly assigned?: () => Partial<AssignedRelease>;
  readonly windowSeconds?: number;
  /** Is over without the broker: nothing more is needed from it. */
  readonly endsAlone?: boolean;
}

const STATES: readonly State[] = [
  {
    name: 'CHECK, at the first of the metadata',
    request: () => (request) =>
      'metadata' in request.subject && request.subject.metadata === 'timestamp.json',
  },
  {
    name: 'CHECK, at the last of the metadata',
    request: () => (request) =>
      'metadata' in request.subject && request.subject.metadata.endsWith('release.json'),
  },
  {
    name: 'PLAN, at bundle.json',
    request: (digest) => (request) => 'blob' in request.subject && request.subject.blob === digest,
  },
  {
    name: 'FETCH, in the middle of the model',
    request: () => (request) => 'blob' in request.subject && request.offset >= 2 * 65_536,
  },
  {
    name: 'VERIFY',
    reached: ({ target }, release) => target?.release === release && target.step === 'VERIFY',
    endsAlone: true,
  },
  {
    name: 'STAGED, outside its hours',
    reached: ({ target }, release) => target?.release === release && target.step === 'STAGED',
    assigned: () => ({ offlineOk: false, window: otherHours()! }),
  },
  {
    name: 'TRIAL',
    reached: ({ trial }, release) => trial?.release === release,
    windowSeconds: 2,
    endsAlone: true,
  },
];

for (const [index, state] of STATES.entries()) {
  const release = index + 2;
  test(`case 32: the broker is killed at ${state.name}`, async () => {
    const cases = [scoreCase([1, 2], 3 * release)];
    const health = { windowSeconds: state.windowSeconds ?? 0.2 };
    const model = scoreOnnx(2, release, 0, BALLAST);
    const digest = await fleet.add({ release, model, cases, health });
    killed = undefined;
    fatal = state.request?.(digest);
    await fleet.assign([{ release, ...state.assigned?.() }]);
    // An announcement soon after another one makes the node wait.
    node.ask('ota-check').catch(() => {});
    if (state.reached) {
      await waitFor(state.name, () => record() && state.reached!(record()!, release));
      killed = broker.halt();
    }
    await waitFor('the broker to be killed', () => killed !== undefined);
    await killed;
    assert.ok(!serves(release)((await node.model())!), 'it was not over before the broker went');
    const before = await inferences();
    await waitFor('inferences without the broker', async () => (await inferences()) !== before);
    if (state.endsAlone) await node.until('the commit without the broker', serves(release));
    await broker.resume();
    if (state.assigned) {
      await waitFor('the hub', () => fleet.connected);
      await fleet.assign([{ release }]);
      await node.ask('ota-check');
    }
    await node.until(`release ${release} to serve`, serves(release));
    assert.equal((await node.model())!.refused, null);
  });
}

test('what the node said meanwhile reached the hub', async () => {
  const ears = await subscribe(broker.url, 'vigie/plant/ota/v1/state/node-1');
  const told = () =>
    decodeReport(Buffer.from(ears.messages.at(-1)?.payload ?? ''))?.models[0]?.active?.release;
  await waitFor('the report', () => told() === STATES.length + 1);
  await ears.stop();
});

/** Since the release began to serve: begins anew with each. */
const inferences = async () => (await getMetric(port, 'vigie_model_inferences', { model: 'score' })) ?? 0;

test.run();

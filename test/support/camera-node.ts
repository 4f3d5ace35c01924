/** What cameras of whole nodes in tests have in common: a film of a lamp, a broker, releases of a bundle that look for it. */

import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { askNode } from '../../runtime/cli/ask-node.ts';
import type { StatusAnswer } from '../../runtime/cli/ota/node/answers.ts';
import type { DetectionEvent } from '../../runtime/core/messages.ts';
import { validatePayload } from '../contract/asyncapi.ts';
import { filmLamp, writeLamp } from './cameras.ts';
import { Fleet, type ReleaseParts } from './fleet.ts';
import { freePort, startMosquitto } from './mosquitto.ts';
import { nodeFolder, type RunningNode, runNode } from './node.ts';
import { type ReceivedMessage, type Subscriber, subscribe } from './subscriber.ts';
import { recording } from './update-node.ts';
import { waitFor } from './wait.ts';

export interface GateParts {
  readonly film: string;
  readonly model: { readonly manifest: string } | { readonly bundle: string };
  readonly detection?: object;
  /** Further keys of the camera. */
  readonly more?: object;
}

/** A polygon over both coordinates from one to the other. */
export const square = (from: number, to: number): number[][] => [
  [from, from],
  [to, from],
  [to, to],
  [from, to],
];

/** The camera `gate`: it plays a film again and again and looks for lamps on all of it. */
export function gateCamera({ film, model, detection, more }: GateParts): object {
  return {
    name: 'gate',
    source: { type: 'file', file: film },
    fps: 20,
    model,
    detection: { labels: ['lamp'], motion: { enabled: false }, tracker: { lostFor: '20s' }, ...detection },
    ...more,
  };
}

/** vigie.yaml of the node `s/n`. @param more further sections. */
export function gateNode(port: number, gate: GateParts, broker?: string, more: object = {}): object {
  return {
    node: { site: 's', name: 'n' },
    ...(broker !== undefined && { mqtt: { url: broker, reconnect: { min: '100ms', max: '300ms' } } }),
    http: { port },
    cameras: [gateCamera(gate)],
    ...more,
  };
}

type LampModel = StatusAnswer['models'][number];

export interface ReleaseNode {
  readonly node: RunningNode;
  readonly ears: Subscriber;
  readonly port: number;
  /** Builds a release of `lamp` and has the node look for it. @returns the digest of its artifact, as events name it. */
  assign(
    number: number,
    model: Uint8Array,
    more?: Partial<ReleaseParts> & { readonly onnx?: boolean },
  ): Promise<string>;
  /** Waits until the node says so of the bundle. */
  until(what: string, right: (found: LampModel) => boolean): Promise<LampModel>;
  /** It is the one in use, and it looks. */
  serves(number: number): Promise<LampModel>;
  intrusions(): DetectionEvent[];
  /** `step release`, with the reason where a release went back. */
  updates(): string[];
  /** `step reason` of the camera's events. */
  cameraSteps(): string[];
  /** Sensors and broker: they were read all the while, each record came once, and the node was never gone. Each event is as documented. */
  checkTheRest(): Promise<void>;
  stop(): Promise<void>;
}

/** A fleet's node with the camera `gate`, whose model is the bundle `lamp`, and two tags that are read ten times a second. */
export async function startReleaseNode(work: string): Promise<ReleaseNode> {
  const fleet = new Fleet();
  const film = join(work, 'film');
  await filmLamp(film);
  const broker = await startMosquitto();
  const ears = await subscribe(broker.url);
  await fleet.serve(broker.url, 's');
  const port = await freePort();
  const detection = { tracker: { lostFor: '60s' }, events: { update: '1s' }, rate: { adapt: false } };
  // 5 s: what a busy machine holds up for 2 s is no fault of the camera's.
  const more = { fps: 30, healing: { stallPeriods: 150 } };
  const gate = { film, model: { bundle: 'lamp' }, detection, more };
  const tags = ['a', 'b'].map((name) => ({ name, group: 'pumps', period: '100ms' }));
  const folder = nodeFolder(
    gateNode(port, gate, broker.url, {
      ota: { root: fleet.rootFile, jitter: '0ms' },
      outbox: { readings: { batch: '1s' } },
      sources: [{ type: 'replay', name: 'rows', file: 'rows.csv', loop: true, tags }],
    }),
  );
  writeFileSync(join(folder.path, 'rows.csv'), recording());
  const node = runNode(folder);
  const ask = (command: string) => askNode(folder.dataDir, command);
  const until: ReleaseNode['until'] = (what, right) =>
    waitFor(what, async () => {
      const answer = (await ask('ota-status').catch(() => undefined)) as unknown;
      const found = (answer as StatusAnswer | undefined)?.models.find(({ name }) => name === 'lamp');
      return found && right(found) ? found : undefined;
    });
  return {
    ...{ node, ears, port, until },
    assign: async (number, model, { onnx = false, ...parts } = {}) => {
      const made = mkdtempSync(join(work, 'release-'));
      const manifest = await writeLamp(made, { version: `1.0.${number}`, onnx, models: { float32: model } });
      await fleet.add({ name: 'lamp', release: number, folder: made, ...parts });
      await fleet.assign([{ name: 'lamp', release: number }]);
      // Sooner than its announcement would have it look again.
      await waitFor('a look for updates', () => ask('ota-check').catch(() => undefined));
      return `sha256:${(manifest.artifacts as { sha256: string }[])[0]!.sha256}`;
    },
    serves: (number) =>
      until(
        `release ${number}`,
        ({ active, serving }) => active?.release === number && serving?.release === number,
      ),
    intrusions: () => ears.of('events/detection').map(({ body }) => body as DetectionEvent),
    updates: () =>
      ears
        .of('events/update')
        .map(({ body: { step, release, reason } }) =>
          step === 'rolled-back' ? `${step} ${release} ${reason}` : `${step} ${release}`,
        ),
    cameraSteps: () => ears.of('events/camera').map(({ body }) => `${body.step} ${body.reason}`),
    checkTheRest: () => checkTheRest(ears),
    stop: async () => {
      await node.stop();
      await ears.stop();
      await fleet.remove();
      await broker.stop();
      folder.remove();
    },
  };
}

async function checkTheRest(ears: Subscriber): Promise<void> {
  const steps = ears.of('events/update');
  const [began, ended] = ['trial', 'rolled-back'].map(
    (step) => steps.findLast(({ body }) => body.step === step)!,
  );
  const isOf = (topic: string) => (message: ReceivedMessage) => message.topic === `vigie/s/n/${topic}`;
  const during = ears.messages.slice(ears.messages.indexOf(began!), ears.messages.indexOf(ended!));
  const tags = during
    .filter(isOf('readings'))
    .flatMap(({ body }) => body.series.map(({ tag }: { tag: string }) => tag));
  assert.equal([...new Set(tags)].sort(), ['a', 'b'], 'sensors are read while the model is on trial');
  const records = () =>
    ears.messages.flatMap(({ body }) => (body?.seq === undefined ? [] : [body.seq as number]));
  await waitFor('every record', () => new Set(records()).size === Math.max(...records()));
  assert.is(records().length, new Set(records()).size, 'none came twice: the broker was never gone');
  const offline = ears.of('status').filter(({ body }) => body.state !== 'online');
  assert.equal(offline, []);
  for (const [name, topic] of [
    ['detection', 'events/detection'],
    ['camera', 'events/camera'],
    ['update', 'events/update'],
  ] as const)
    for (const { body } of ears.of(topic)) assert.equal(validatePayload(name, body), []);
}

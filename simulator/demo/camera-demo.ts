/** The demo with a camera: a broker, and a real node that looks at one camera and delivers what it finds. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DetectionEvent } from '../../runtime/core/messages.ts';
import { startDevelopmentBroker } from '../broker.ts';
import { DemoNode } from './demo-node.ts';
import { type Subscription, watchEvents } from './subscriber.ts';

/** As vigie.yaml has it; a password stands in a file of the demo's own. */
export type DemoCamera =
  | { readonly type: 'file'; readonly file: string }
  | { readonly type: 'usb'; readonly device: string }
  | { readonly type: 'rtsp'; readonly url: string; readonly user?: string; readonly password?: string };

export interface CameraDemoOptions {
  readonly camera: DemoCamera;
  /** The model's manifest. */
  readonly manifest: string;
  /** Dashboard port. */
  readonly port: number;
  /** An MQTT 5 broker to deliver to; the embedded development broker when absent. */
  readonly broker?: string | undefined;
  /** Whether the camera gives frames at all, before anything is started. @param camera as vigie.yaml has it. @throws when not */
  readonly check: (camera: object) => Promise<void>;
  /** For a person, line by line. */
  readonly say: (line: string) => void;
}

export interface RunningCameraDemo {
  /** Seen on the broker so far. */
  readonly events: readonly DetectionEvent[];
  /** The node's exit status, should it end by itself. */
  readonly nodeExit: Promise<number | null>;
  stop(): Promise<void>;
}

const NAME = 'camera';

/** @throws what `check` throws; DeliveryError `demo-broker` when the broker named cannot be reached; nothing is left running. */
export async function startCameraDemo(options: CameraDemoOptions): Promise<RunningCameraDemo> {
  const { port, say, check, camera: source, manifest } = options;
  const directory = mkdtempSync(join(tmpdir(), 'vigie-demo-'));
  const camera = { name: NAME, source: sourceOf(source, directory), model: { manifest } };
  try {
    await check(camera);
  } catch (error) {
    rmSync(directory, { recursive: true });
    throw error;
  }
  const broker = options.broker === undefined ? await startDevelopmentBroker() : undefined;
  const url = options.broker ?? broker!.url;
  const page = `http://127.0.0.1:${port}/cameras/${NAME}`;
  const events: DetectionEvent[] = [];
  let subscription: Subscription | undefined;
  // The embedded broker speaks MQTT 3.1.1 only.
  const mqtt = { url, ...(broker ? { version: 4 } : {}) };
  const config = { node: { site: 'demo', name: NAME }, mqtt, http: { port }, cameras: [camera] };
  const tells = /^camera\.(fault|report|recovered|ended)$|^vision\.process\.ended$/;
  const node = new DemoNode({ directory, config, tells, say });
  const stop = async () => {
    await node.stop();
    await subscription?.stop();
    await broker?.stop();
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    say(`broker:    ${url}${broker ? ' (embedded, for development)' : ''}`);
    say(`camera:    ${page}`);
    say('Who comes into the picture is an event. Ctrl-C ends it.');
    subscription = await watchEvents<DetectionEvent>(url, `demo/${NAME}/events/detection`, (event) => {
      events.push(event);
      const picture = event.snapshot ? `, ${page}/snapshots/${event.id}.jpg` : '';
      say(`event:     [${event.phase}] ${event.summary}${picture}`);
    });
  } catch (error) {
    await stop();
    throw error;
  }
  return { events, nodeExit: node.exit, stop };
}

function sourceOf(camera: DemoCamera, directory: string): object {
  if (camera.type !== 'rtsp' || camera.password === undefined) return camera;
  const { password, ...source } = camera;
  const passwordFile = join(directory, 'camera-password');
  writeFileSync(passwordFile, password, { mode: 0o600 });
  return { ...source, passwordFile };
}

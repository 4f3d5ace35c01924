/**
 * Cold start: from the start of `bin/vigie run` until the first Modbus request reaches a server in this process, for
 * the plant's 127 tags with everything on. The page cache is warm. Two kinds of start: `first_poll_ms`, as after a
 * reboot or a crash, with what the node kept of its last run (outbox, checked configuration, compiled code), and
 * `first_poll_fresh_ms`, the very first start of an installed node, with none of these.
 */

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { InputError } from '../runtime/core/errors.ts';
import { plantSourcesConfig } from '../simulator/modbus/sources-config.ts';
import { freePort } from '../test/support/mosquitto.ts';
import { atMost, type BenchOptions, type BenchResult, info, percentile } from './bench.ts';
import { NodeProcess } from './lib/node-process.ts';

export const summary =
  'cold start: from exec to the first Modbus request, after a reboot and at the very first start';

const STARTS = 9;
const FRESH_STARTS = 5;
/** Long enough for the node to have written what it keeps. */
const SETTLE_MS = 2500;
const LIMIT_MS = 30_000;

export async function run({ progress }: BenchOptions): Promise<readonly BenchResult[]> {
  const folder = mkdtempSync(join(tmpdir(), 'vigie-start-'));
  const device = await Device.listen();
  const site: Site = { device, httpPort: await freePort() };
  try {
    progress(`${FRESH_STARTS} very first starts`);
    const fresh: number[] = [];
    for (let i = 0; i < FRESH_STARTS; i++) fresh.push(await start(site, emptyFolder(folder, `fresh-${i}`)));
    progress(`${STARTS} starts as after a reboot`);
    const kept = emptyFolder(folder, 'kept');
    await start(site, kept);
    const again: number[] = [];
    for (let i = 0; i < STARTS; i++) again.push(await start(site, kept));
    return [
      atMost('first_poll_ms', percentile(again, 0.5), 'ms', 600),
      info('first_poll_max_ms', percentile(again, 1), 'ms'),
      info('first_poll_fresh_ms', percentile(fresh, 0.5), 'ms'),
    ];
  } finally {
    device.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

function emptyFolder(parent: string, name: string): string {
  const folder = join(parent, name);
  mkdirSync(folder);
  return folder;
}

/** The same for all starts: another port would be another configuration. */
interface Site {
  readonly device: Device;
  readonly httpPort: number;
}

/** @returns milliseconds until the first request. */
async function start(site: Site, folder: string): Promise<number> {
  const { device, httpPort } = site;
  const requested = device.nextRequest();
  const began = performance.now();
  const node = new NodeProcess({
    folder,
    config: {
      node: { site: 'bench', name: 'start' },
      sources: plantSourcesConfig({ port: device.port, period: '5s' }),
      mqtt: { url: 'mqtt://127.0.0.1:9' },
      http: { port: httpPort },
    },
    // Node.js keeps compiled code where the node says, unless this says otherwise.
    env: { NODE_COMPILE_CACHE: join(folder, 'compiled') },
  });
  try {
    const at = await Promise.race([requested, sleep(LIMIT_MS, undefined, { ref: false })]);
    if (at === undefined) throw new InputError('bench-node', `no request came:\n${node.log().slice(-2000)}`);
    await sleep(SETTLE_MS);
    return at - began;
  } finally {
    await node.stop();
  }
}

/** A Modbus TCP endpoint that takes requests and answers none. */
class Device {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #onRequest: (at: number) => void = () => {};

  private constructor(server: Server) {
    this.#server = server;
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => this.#sockets.delete(socket));
      socket.once('data', () => this.#onRequest(performance.now()));
    });
  }

  static async listen(): Promise<Device> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new Device(server);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** The monotonic time of the next connection's first request. */
  nextRequest(): Promise<number> {
    return new Promise((resolve) => {
      this.#onRequest = resolve;
    });
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}

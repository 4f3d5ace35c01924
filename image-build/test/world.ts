/** What lies around a guest: a broker, a plant behind Modbus TCP, a fleet that signs models. All on this machine's loopback. */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { appendFileSync, cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { packageRoot } from '../../runtime/core/paths.ts';
import { plantSourcesConfig } from '../../simulator/modbus/sources-config.ts';
import { freePort, type Mosquitto, startMosquitto } from '../../test/support/mosquitto.ts';
import { type Subscriber, subscribe } from '../../test/support/subscriber.ts';

/** This machine, as a guest of QEMU's user-mode network sees it. */
const HOST = '10.0.2.2';
/** Of sensors that is learned, and that a fault shows in. */
export const GROUP = 'pretreatment';
export const SITE = 'plant';
export const NODE = 'guest';

export class World {
  readonly folder: string;
  readonly broker: Mosquitto;
  readonly ears: Subscriber;
  readonly plantPort: number;
  readonly #children: ChildProcess[] = [];
  #plant: ChildProcess | undefined;

  private constructor(folder: string, broker: Mosquitto, ears: Subscriber, plantPort: number) {
    Object.assign(this, { folder, broker, ears, plantPort });
    this.folder = folder;
    this.broker = broker;
    this.ears = ears;
    this.plantPort = plantPort;
  }

  static async begin(folder: string): Promise<World> {
    mkdirSync(folder, { recursive: true });
    const broker = await startMosquitto();
    const ears = await subscribe(broker.url);
    const world = new World(folder, broker, ears, await freePort());
    world.#plant = world.#start(
      'plant',
      'simulate',
      'plant',
      '--port',
      `${world.plantPort}`,
      '--fault-probability',
      '0',
    );
    return world;
  }

  /** vigie.yaml of a node that watches the plant and takes signed models. */
  config(more: Readonly<Record<string, unknown>> = {}): string {
    return stringify({
      node: { site: SITE, name: NODE },
      sources: plantSourcesConfig({ host: HOST, port: this.plantPort, period: '5s' }),
      anomaly: {
        baseline: { learn: '100s', minRows: 20 },
        alarm: { delayOn: '5s', delayOff: '15s', minDuration: '10s' },
        models: [{ name: 'learned', group: GROUP, bundle: 'score', inputs: ['pre-flow', 'pre-level'] }],
      },
      outbox: { readings: { batch: '10s' } },
      mqtt: { url: `mqtt://${HOST}:${this.broker.port}` },
      ota: { root: '/etc/vigie/root.json', jitter: '0ms' },
      ...more,
    });
  }

  /** Types a line into the plant, such as `fault dead:pre-flow`. */
  tellPlant(line: string): void {
    this.#plant?.stdin?.write(`${line}\n`);
  }

  /** Keys, a signed repository with release 1 in it, and the hub that serves it. @returns what nodes trust first. */
  foundFleet(): string {
    const [keys, fleet, pass] = [this.#in('keys'), this.#in('fleet'), this.#in('passphrase')];
    writeFileSync(pass, 'of a test\n', { mode: 0o600 });
    this.#vigie('ota', 'key', 'gen', '--all', keys, '--passphrase-file', pass);
    this.#vigie('ota', 'repo', 'init', fleet, '--keys', keys);
    this.#vigie('ota', 'repo', 'sign', fleet, '--key', keys, '--passphrase-file', pass);
    this.release(1, ['--window', '5', '--min-inferences', '2']);
    this.#start(
      'hub',
      ...['ota', 'serve', fleet, '--broker', this.broker.url, '--site', SITE],
      ...['--time-key', join(keys, 'time.key'), '--passphrase-file', pass],
    );
    return readFileSync(join(fleet, 'public/metadata/1.root.json'), 'utf8');
  }

  /** Builds, signs and assigns a release of the model `score`, as docs/ota.md says it. */
  release(number: number, options: readonly string[]): void {
    const [keys, fleet, pass] = [this.#in('keys'), this.#in('fleet'), this.#in('passphrase')];
    const [model, plan, bundle] = [
      this.#in('score.onnx'),
      this.#in('score.xnn'),
      this.#in(`score-${number}`),
    ];
    cpSync(join(packageRoot, 'examples/ota', number % 2 ? 'score-1.onnx' : 'score-2.onnx'), model);
    this.#vigie('model', 'compile', model, '--backend', 'xnnpack', '-o', plan);
    this.#vigie(
      ...['ota', 'bundle', 'build', model, '--plan', plan, '--name', 'score', '--release', `${number}`],
      ...['--threshold', '1e9', '-o', bundle, ...options],
    );
    this.#vigie('ota', 'repo', 'add', fleet, bundle);
    this.#vigie('ota', 'repo', 'sign', fleet, '--key', join(keys, 'release.key'), '--passphrase-file', pass);
    this.#vigie(
      ...['ota', 'rollout', 'start', fleet, `score/${number}`, '--group', 'default', '--key', keys],
      ...['--passphrase-file', pass, '--offline-ok'],
    );
  }

  async end(): Promise<void> {
    for (const child of this.#children) child.kill('SIGKILL');
    const heard = this.ears.messages.map(({ topic, payload }) => `${topic} ${payload}\n`);
    writeFileSync(this.#in('messages.log'), heard.join(''));
    await this.ears.stop();
    await this.broker.stop();
  }

  #in(name: string): string {
    return join(this.folder, name);
  }

  #vigie(...args: string[]): void {
    const output = execFileSync(
      join(packageRoot, 'bin/node'),
      [join(packageRoot, 'runtime/main.ts'), ...args],
      {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    appendFileSync(this.#in('world.log'), output);
  }

  #start(name: string, ...args: string[]): ChildProcess {
    const child = spawn(join(packageRoot, 'bin/node'), [join(packageRoot, 'runtime/main.ts'), ...args], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk) => appendFileSync(this.#in(`${name}.log`), chunk));
    this.#children.push(child);
    process.once('exit', () => child.kill('SIGKILL'));
    return child;
  }
}

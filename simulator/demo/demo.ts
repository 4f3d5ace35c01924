/** The demo: a simulated plant, a broker, and a real node that watches the one and delivers to the other. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeError } from '../../runtime/core/errors.ts';
import type { AnomalyEvent } from '../../runtime/core/messages.ts';
import { type DevelopmentBroker, startDevelopmentBroker } from '../broker.ts';
import { type PlantServer, startPlantServer } from '../plant-server.ts';
import { demoConfig } from './config.ts';
import { DemoNode } from './demo-node.ts';
import { nextFault } from './script.ts';
import { type Subscription, watchEvents } from './subscriber.ts';

export interface DemoOptions {
  /** Dashboard port. */
  readonly port: number;
  /** An MQTT 5 broker to deliver to; the embedded development broker when absent. */
  readonly broker?: string | undefined;
  readonly seed: number;
  /** For a person, line by line. */
  readonly say: (line: string) => void;
}

export interface RunningDemo {
  /** Anomaly events seen on the broker so far. */
  readonly events: readonly AnomalyEvent[];
  readonly plant: PlantServer;
  /** The node's exit status, should it end by itself. */
  readonly nodeExit: Promise<number | null>;
  stop(): Promise<void>;
}

/** @throws DeliveryError `demo-broker` when the broker named cannot be reached; nothing is left running. */
export async function startDemo(options: DemoOptions): Promise<RunningDemo> {
  const plant = await startPlantServer({ port: 0, seed: options.seed, faultProbability: 0 });
  const broker = options.broker === undefined ? await startDevelopmentBroker() : undefined;
  const directory = mkdtempSync(join(tmpdir(), 'vigie-demo-'));
  const demo = new Demo(options, plant, broker, directory);
  try {
    await demo.start();
    return demo;
  } catch (error) {
    await demo.stop();
    throw error;
  }
}

class Demo implements RunningDemo {
  readonly events: AnomalyEvent[] = [];
  readonly plant: PlantServer;
  readonly nodeExit: Promise<number | null>;
  readonly #options: DemoOptions;
  readonly #broker: DevelopmentBroker | undefined;
  readonly #directory: string;
  readonly #node: DemoNode;
  #subscription: Subscription | undefined;
  #fault: NodeJS.Timeout | undefined;
  #faults = 0;

  constructor(
    options: DemoOptions,
    plant: PlantServer,
    broker: DevelopmentBroker | undefined,
    directory: string,
  ) {
    this.#options = options;
    this.plant = plant;
    this.#broker = broker;
    this.#directory = directory;
    const config = demoConfig({
      modbusPort: plant.port,
      httpPort: options.port,
      broker: this.#url(),
      embedded: broker !== undefined,
    });
    this.#node = new DemoNode({ directory, config, tells: /baseline\.ready/, say: options.say });
    this.nodeExit = this.#node.exit;
  }

  async start(): Promise<void> {
    const { say, port } = this.#options;
    say(`plant:     127 sensors in 8 stages behind Modbus TCP at 127.0.0.1:${this.plant.port}`);
    say(`broker:    ${this.#url()}${this.#broker ? ' (embedded, for development)' : ''}`);
    say(`dashboard: http://127.0.0.1:${port}`);
    say(
      'The node learns what is normal for a minute; then something goes wrong in the plant. Ctrl-C ends it.',
    );
    this.#subscription = await watchEvents<AnomalyEvent>(
      this.#url(),
      'demo/plant/events/anomaly',
      (event) => {
        this.events.push(event);
        say(`event:     [${event.phase}] ${event.summary}`);
      },
    );
    this.#scheduleFault();
  }

  async stop(): Promise<void> {
    clearTimeout(this.#fault);
    await this.#node.stop();
    await this.#subscription?.stop();
    await this.plant.stop();
    await this.#broker?.stop();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #url(): string {
    return this.#options.broker ?? this.#broker?.url ?? '';
  }

  #scheduleFault(): void {
    const { delay, spec, text } = nextFault(this.#faults);
    this.#fault = setTimeout(() => {
      try {
        this.plant.injectFault(spec);
        this.#options.say(`fault:     ${text}`);
      } catch (error) {
        this.#options.say(`fault:     not injected: ${describeError(error)}`);
      }
      this.#faults += 1;
      this.#scheduleFault();
    }, delay);
  }
}

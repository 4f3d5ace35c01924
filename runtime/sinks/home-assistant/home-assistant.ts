/**
 * Keeps what Home Assistant is told in step with the cameras. A broker keeps retained messages for ever, so their topics are
 * written down before they are sent, and cleared once they are not wanted: also after a restart that turned all of it off.
 */

import { rmSync } from 'node:fs';
import { readJsonFile, writeFileAtomic } from '../../core/atomic-file.ts';
import type { CameraView } from '../../core/camera-view.ts';
import { type Component, HEALTHY, type Health } from '../../core/component.ts';
import { describeError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import { type CameraState, type NodeFacts, type Retained, retainedMessages } from './entities.ts';
import { topicsFile } from './topics-file.ts';

/** The connection to the broker; counts itself, so that a new broker is told everything again. */
export interface RetainedLink {
  readonly connected: boolean;
  readonly connections: number;
  /** @throws (rejects) without a connection, or when it breaks. */
  publish(
    topic: string,
    payload: Uint8Array,
    delivery: { readonly qos: 1; readonly retain: true },
  ): Promise<void>;
}

export interface HomeAssistantOptions {
  /** Undefined: turned off; what is retained of earlier is cleared. */
  readonly facts: NodeFacts | undefined;
  readonly cameras: readonly CameraView[];
  /** Names of the cameras whose pictures go to the broker. */
  readonly pictures: ReadonlySet<string>;
  readonly link: RetainedLink;
  /** Where the topics are written down. */
  readonly directory: string;
  readonly log: Log;
}

const LOOK_EVERY = 1000;
const AT_ONCE = 16;

export class HomeAssistant implements Component {
  readonly name = 'home-assistant';
  readonly #options: HomeAssistantOptions;
  /** May be retained at the broker. */
  #known = new Set<string>();
  /** What this connection's broker has. */
  readonly #told = new Map<string, string>();
  #connection = -1;
  #unfollow: (() => void)[] = [];
  #timer: NodeJS.Timeout | undefined;
  #work: Promise<void> | undefined;
  #again = false;
  #trouble = '';

  constructor(options: HomeAssistantOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    const { cameras, directory } = this.#options;
    this.#known = new Set((readJsonFile(topicsFile(directory)) as string[] | undefined) ?? []);
    const look = () => this.#look();
    this.#unfollow = cameras.map((camera) => camera.follow({ scene: () => {}, event: look }));
    this.#timer = setInterval(look, LOOK_EVERY).unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    for (const end of this.#unfollow.splice(0)) end();
    await this.#work;
  }

  health(): Health {
    return this.#trouble === '' ? HEALTHY : { state: 'degraded', detail: this.#trouble };
  }

  #look(): void {
    this.#again = true;
    this.#work ??= this.#sync().finally(() => {
      this.#work = undefined;
    });
  }

  async #sync(): Promise<void> {
    try {
      while (this.#again && this.#options.link.connected) {
        this.#again = false;
        await this.#tell(this.#wanted());
      }
      this.#trouble = '';
    } catch (error) {
      // Looked at again each second; a connection that breaks is told by its own component.
      if (!this.#options.link.connected) return;
      const trouble = describeError(error);
      if (trouble !== this.#trouble) {
        this.#options.log.warn({ event: 'home-assistant.failed', error: trouble }, trouble);
      }
      this.#trouble = trouble;
    }
  }

  async #tell(wanted: Retained): Promise<void> {
    const { link } = this.#options;
    if (link.connections !== this.#connection) this.#told.clear();
    this.#connection = link.connections;
    this.#writeDown(new Set([...this.#known, ...wanted.keys()]));
    const gone = [...this.#known].filter((topic) => !wanted.has(topic));
    const news = [...wanted].filter(([topic, payload]) => this.#told.get(topic) !== payload);
    const messages = [...gone.map((topic): [string, string] => [topic, '']), ...news];
    for (let at = 0; at < messages.length; at += AT_ONCE) {
      await Promise.all(messages.slice(at, at + AT_ONCE).map((message) => this.#publish(...message)));
    }
    this.#writeDown(new Set(wanted.keys()));
  }

  async #publish(topic: string, payload: string): Promise<void> {
    await this.#options.link.publish(topic, Buffer.from(payload), { qos: 1, retain: true });
    if (payload === '') this.#told.delete(topic);
    else this.#told.set(topic, payload);
  }

  /** Before anything new is retained, and after anything is not any more. */
  #writeDown(topics: ReadonlySet<string>): void {
    const same = topics.size === this.#known.size && [...topics].every((topic) => this.#known.has(topic));
    if (same) return;
    const file = topicsFile(this.#options.directory);
    if (topics.size === 0) rmSync(file, { force: true });
    else writeFileAtomic(file, `${JSON.stringify([...topics], undefined, 1)}\n`);
    this.#known = new Set(topics);
  }

  #wanted(): Retained {
    const { facts, cameras, pictures } = this.#options;
    if (!facts) return new Map();
    return retainedMessages(
      facts,
      cameras.map((camera) => stateOf(camera, pictures.has(camera.name))),
    );
  }
}

function stateOf(camera: CameraView, pictures: boolean): CameraState {
  const inside = new Set(camera.openEvents().map(({ event }) => event.zone));
  return {
    name: camera.name,
    pictures,
    available: camera.health().state === 'ok',
    zones: camera.zones().map((name) => ({ name, occupied: inside.has(name) })),
  };
}

/** The update client as a component of the node: its sources on the broker, its hosts in the pipeline, what it tells. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { applyDelta } from '../../ota/bundle/delta/apply.ts';
import type { NodeFacts } from '../../ota/bundle/requirements.ts';
import type { ConfigurationHost } from '../../ota/client/host.ts';
import type { CheckResult } from '../../ota/client/machine/check.ts';
import { Updater, type UpdateSources } from '../../ota/client/machine/updater.ts';
import { AnnounceWatch } from '../../ota/client/transport/announce-watch.ts';
import { askTime } from '../../ota/client/transport/ask-time.ts';
import { importDirectory } from '../../ota/client/transport/import-directory.ts';
import { MqttSource } from '../../ota/client/transport/mqtt-source.ts';
import type { OtaLink } from '../../ota/protocol/link.ts';
import type { NodeReport } from '../../ota/protocol/report.ts';
import { OtaTopics } from '../../ota/protocol/topics.ts';
import type { OtaConfig } from '../config/schema/ota.ts';
import { readJsonFile, writeFileAtomic } from '../core/atomic-file.ts';
import { builtAt } from '../core/build-stamp.ts';
import type { Clock } from '../core/clock.ts';
import type { Component, Health } from '../core/component.ts';
import { DeliveryError, describeError, InputError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { Accept } from '../core/messages.ts';
import { type ModelStatus, NO_MODEL } from '../core/status.ts';
import { millis, seconds } from '../core/units.ts';
import type { Models } from '../pipeline/models/models.ts';
import { eventsOf, type Told, toldOf } from './events.ts';

export interface UpdatesOptions {
  readonly config: OtaConfig;
  readonly site: string;
  readonly node: string;
  readonly dataDir: string;
  readonly facts: () => Omit<NodeFacts, 'diskBytes'>;
  /** Absent: no broker is configured; updates then come from directories alone. */
  readonly link: OtaLink | undefined;
  readonly models: Models;
  readonly configuration: ConfigurationHost;
  readonly accept: Accept;
  readonly clock: Clock;
  readonly log: Log;
}

const TOPIC = 'events/update';
/** Until the broker let the node listen for announcements. */
const LISTEN_AGAIN = seconds(5);
/** Between two looks that announcements cause. */
const LEAST_INTERVAL = seconds(5);

export class Updates implements Component {
  readonly name = 'ota';
  readonly source: MqttSource | undefined;
  readonly #options: UpdatesOptions;
  readonly #topics: OtaTopics;
  readonly #toldPath: string;
  #updater: Updater | undefined;
  #watch: AnnounceWatch | undefined;
  #listenTimer: NodeJS.Timeout | undefined;
  #unlisten: (() => void) | undefined;
  #told: Record<string, Told> = {};
  #stopped = false;

  constructor(options: UpdatesOptions) {
    const { site, node, link, clock, config, dataDir } = options;
    this.#options = options;
    this.#topics = new OtaTopics(site);
    this.#toldPath = join(dataDir, 'ota', 'told.json');
    const limits = { bytesPerSecond: config.rate, hours: config.hours };
    this.source = link && new MqttSource({ link, topics: this.#topics, node, clock, limits });
  }

  /** What was committed serves when this resolves. @throws InputError `ota-root-unreadable`; as Updater.start */
  async start(): Promise<void> {
    const { models, log } = this.#options;
    await models.start();
    const updater = new Updater(this.#updaterOptions());
    await updater.start();
    this.#told = readTold(this.#toldPath, log);
    this.#updater = updater;
    if (this.source) void this.#listen(this.source);
    this.#unlisten = this.#options.link?.onReconnected?.(() => updater.reconnected());
  }

  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    clearTimeout(this.#listenTimer);
    this.#unlisten?.();
    this.#watch?.stop();
    await this.#updater?.stop();
    await this.source?.close();
    await this.#options.models.stop();
  }

  health(): Health {
    return this.#updater?.health() ?? { state: this.#stopped ? 'stopped' : 'starting', detail: '' };
  }

  /** What the node reports to the hub. @throws UpdateError `ota-not-running` */
  report(): Omit<NodeReport, 'counter'> {
    return this.#running().status();
  }

  get updater(): Updater {
    return this.#running();
  }

  /** Looks now. @throws as Updater.check */
  check(): Promise<CheckResult> {
    return this.#running().check();
  }

  /** From a directory, such as a USB stick. @throws as Updater.check */
  import(directory: string): Promise<CheckResult> {
    const source = importDirectory(directory);
    return this.#running().check({ metadata: source, blobs: source });
  }

  /** By bundle name: what serves, and what the update client says of it. */
  status(): Record<string, ModelStatus> {
    const status = this.#options.models.status();
    const reported = this.#updater?.status().models ?? [];
    for (const { name, trial, trouble, refused } of reported) {
      const own = status[name] ?? NO_MODEL;
      status[name] = {
        ...own,
        state: own.state === 'serving' && trial?.release === own.release ? 'trial' : own.state,
        detail: trouble ?? own.detail,
        refused: refused && { release: refused.release, reason: refused.reason },
        ...this.#running().progress(name),
      };
    }
    return status;
  }

  #updaterOptions(): ConstructorParameters<typeof Updater>[0] {
    const { config, node, dataDir, clock, models, configuration, facts, log, link } = this.#options;
    return {
      node,
      group: config.group,
      directory: join(dataDir, 'ota'),
      clock,
      built: builtAt(),
      factoryRoot: readRoot(config.root),
      sources: this.#sources(),
      applyDelta,
      host: models,
      ...(config.configuration && { configuration }),
      facts,
      ...(link && {
        askTime: (accept, signal) =>
          askTime({ link, topics: this.#topics, node, now: () => clock.mono(), accept }, signal),
      }),
      publishReport: async (bytes) => {
        this.#tell();
        if (!link) return;
        await link.publish(this.#topics.state(node), bytes, { qos: 1, retain: true });
      },
      checkEvery: config.check,
      log,
    };
  }

  #sources(): UpdateSources {
    if (this.source) return { metadata: this.source, blobs: this.source };
    const refuse = async () => {
      const text = "the configuration names no broker ('mqtt'): updates come by 'vigie ota import' alone";
      throw new DeliveryError('ota-transport', text);
    };
    return { metadata: { metadata: refuse }, blobs: { fetch: refuse } };
  }

  /** Once it could subscribe, that holds over reconnections. */
  async #listen(source: MqttSource): Promise<void> {
    const { link, clock, config, log } = this.#options;
    const watch = new AnnounceWatch({
      link: link!,
      topics: this.#topics,
      now: () => clock.mono(),
      onAnnounced: (announcement) => source.announced(announcement),
      check: async () => {
        await this.check().catch((error) => {
          log.warn({ event: 'ota.check.failed', error: describeError(error) }, 'the look for updates failed');
        });
      },
      jitter: config.jitter,
      leastInterval: millis(Math.min(LEAST_INTERVAL, config.check)),
    });
    try {
      await watch.start();
      this.#watch = watch;
      if (this.#stopped) watch.stop();
    } catch (error) {
      watch.stop();
      if (this.#stopped) return;
      log.debug({ event: 'ota.listen.failed', error: describeError(error) }, 'listens again in a while');
      this.#listenTimer = setTimeout(() => void this.#listen(source), LISTEN_AGAIN);
    }
  }

  /** Each step once, also over restarts: what was told is on disk, and written only when there is news. */
  #tell(): void {
    const { accept, clock, log } = this.#options;
    const stamp = clock.stamp();
    const { models } = this.#running().status();
    const events = models.flatMap((model) => eventsOf(this.#told[model.name], model));
    const told = Object.fromEntries(models.map((model) => [model.name, toldOf(model)]));
    if (JSON.stringify(told) === JSON.stringify(this.#told)) return;
    this.#told = told;
    // The outbox counts and reports what it refuses.
    for (const body of events) void accept({ ...stamp, class: 'event', topic: TOPIC, body }).catch(() => {});
    try {
      writeFileAtomic(this.#toldPath, JSON.stringify(told));
    } catch (error) {
      log.warn({ event: 'ota.told.failed', error: describeError(error) }, 'a restart may tell events twice');
    }
  }

  #running(): Updater {
    if (this.#updater) return this.#updater;
    throw new InputError('ota-not-running', 'the update client has not started yet');
  }
}

function readRoot(file: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new InputError('ota-root-unreadable', `the factory root ota.root cannot be read: ${file}`, {
      cause,
      facts: { file },
    });
  }
}

function readTold(path: string, log: Log): Record<string, Told> {
  try {
    return (readJsonFile(path) ?? {}) as Record<string, Told>;
  } catch (error) {
    log.warn({ event: 'ota.told.failed', error: describeError(error) }, 'events may be told twice');
    return {};
  }
}

/**
 * The node's HTTP interface: the operator's page, Prometheus metrics, health endpoints and commands.
 * Written on node:http, since everything built on the fetch API's Request and Response costs 18 MB.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HttpConfig } from '../../config/schema/http.ts';
import type { CameraView } from '../../core/camera-view.ts';
import type { Clock } from '../../core/clock.ts';
import type { CommandTable } from '../../core/commands.ts';
import { type Component, HEALTHY, type Health } from '../../core/component.ts';
import { InputError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import { isLoopback } from '../../core/loopback.ts';
import type { AnomalyEvent, Sample, Stamp, Tag } from '../../core/messages.ts';
import type { Registry } from '../../core/prometheus.ts';
import type { NodeStatus } from '../../core/status.ts';
import type { ZoneStore } from '../../core/zone-store.ts';
import { AnomalyLog } from './anomaly-log.ts';
import type { BasicAuth } from './auth.ts';
import type { CameraPages } from './cameras/camera-pages.ts';
import { type CameraPagesMetrics, cameraPagesMetrics } from './cameras/metrics.ts';
import type { Listener } from './listener.ts';
import { httpMetrics } from './metrics.ts';
import { readJson, reply, replyError, replyJson } from './reply.ts';
import type { Route } from './routes.ts';
import { refuseCommand } from './security.ts';
import type { StaticFiles } from './static-files.ts';
import { Stream } from './stream.ts';
import { TagHistory } from './tag-history.ts';
import { notReadyReasons, tagDelta, tagView } from './views.ts';

export interface DashboardOptions {
  readonly config: HttpConfig;
  readonly tags: readonly Tag[];
  readonly registry: Registry;
  readonly status: () => NodeStatus;
  readonly activeAnomalies: () => readonly AnomalyEvent[];
  readonly commands: CommandTable;
  readonly clock: Clock;
  readonly log: Log;
  /** Reads what `http.passwordFile` refers to. @throws InputError when it cannot. */
  readonly readSecret: (reference: string) => string;
  readonly cameras?: readonly CameraView[];
  /** Where the zone editor reads and writes; without one there is no editor. */
  readonly zones?: ZoneStore;
}

export class Dashboard implements Component {
  readonly name = 'dashboard';
  readonly #options: DashboardOptions;
  readonly #latest: (Sample | undefined)[];
  readonly #history: TagHistory;
  readonly #anomalies = new AnomalyLog();
  readonly #stream: Stream;
  readonly #metrics: ReturnType<typeof httpMetrics>;
  readonly #pageMetrics: CameraPagesMetrics;
  #listener: Listener | undefined;
  #cameraPages: CameraPages | undefined;
  #awaitsFirstReading: boolean;

  constructor(options: DashboardOptions) {
    const { tags, registry } = options;
    this.#options = options;
    this.#latest = new Array(tags.length).fill(undefined);
    this.#history = new TagHistory(tags.length);
    this.#awaitsFirstReading = tags.length > 0;
    this.#metrics = httpMetrics(registry);
    this.#pageMetrics = cameraPagesMetrics(registry);
    this.#stream = new Stream({
      tagCount: tags.length,
      metrics: this.#metrics,
      tagDelta: (index) => tagDelta(this.#latest[index]!),
      status: () => this.#status(),
    });
  }

  /**
   * An address that is taken is health, not failure.
   * @throws InputError `http-password-missing`, `http-password-empty`, or what reading the password throws.
   */
  async start(signal: AbortSignal): Promise<void> {
    const { config, log, clock, readSecret } = this.#options;
    const { enabled, host, port, username, passwordFile } = config;
    if (!enabled) return;
    if (!passwordFile && !isLoopback(host)) {
      const fix = 'add http.passwordFile, or listen on 127.0.0.1';
      throw new InputError('http-password-missing', `http.host ${host} is open to the network: ${fix}`);
    }
    let auth: BasicAuth | undefined;
    if (passwordFile) {
      const { BasicAuth } = await import('./auth.ts');
      auth = new BasicAuth({ username, readPassword: () => readSecret(passwordFile), clock, log });
      auth.load();
    }
    // Here and not at the top: the first poll of the sensors does not wait for a web server to load.
    const [{ Listener }, { Router }, { StaticFiles }] = await Promise.all([
      import('./listener.ts'),
      import('./routes.ts'),
      import('./static-files.ts'),
    ]);
    if (signal.aborted) return;
    const files = new StaticFiles();
    this.#cameraPages = await this.#openCameraPages(files);
    const router = new Router({
      routes: [...this.#routes(), ...this.#cameraPages.routes()],
      files,
      auth,
      loopbackOnly: isLoopback(host),
      metrics: this.#metrics,
      log,
    });
    this.#listener = new Listener({
      host,
      port,
      handle: router.handle,
      onRefused: () => this.#metrics.refusedConnections.inc(),
      log,
    });
    await this.#listener.listen();
  }

  async stop(): Promise<void> {
    this.#stream.close();
    this.#cameraPages?.close();
    await this.#listener?.stop();
  }

  health(): Health {
    if (!this.#options.config.enabled) return HEALTHY;
    return this.#listener?.health() ?? { state: 'starting', detail: '' };
  }

  /** The port that is listened on; 0 when none is. */
  get port(): number {
    return this.#listener?.port ?? 0;
  }

  /** Hot path: no allocation. */
  accept(samples: readonly Sample[]): void {
    const { watched } = this.#stream;
    for (let i = 0; i < samples.length; i++) {
      const sample = samples[i]!;
      const { index } = sample.tag;
      this.#latest[index] = sample;
      this.#history.push(index, sample.mono, sample.quality === 'bad' ? null : sample.value);
      if (watched) this.#stream.markTag(index);
      if (this.#awaitsFirstReading && sample.quality === 'good') this.#awaitsFirstReading = false;
    }
  }

  acceptEvent(event: AnomalyEvent, stamp: Stamp): void {
    this.#stream.send('anomaly', this.#anomalies.accept(event, stamp));
  }

  async #openCameraPages(files: StaticFiles): Promise<CameraPages> {
    const { CameraPages } = await import('./cameras/camera-pages.ts');
    const { cameras = [], config, zones, clock, log } = this.#options;
    return new CameraPages({
      cameras,
      config: config.cameras,
      files,
      metrics: this.#pageMetrics,
      clock,
      log,
      ...(zones ? { zones } : {}),
    });
  }

  #status() {
    return { ...this.#options.status(), wall: this.#options.clock.wall() };
  }

  #routes(): readonly Route[] {
    const { registry, commands } = this.#options;
    return [
      {
        method: 'GET',
        path: '/healthz',
        open: true,
        handle: (_, response) => reply(response, 200, 'text/plain; charset=utf-8', 'ok\n'),
      },
      { method: 'GET', path: '/readyz', handle: (_, response) => this.#ready(response) },
      {
        method: 'GET',
        path: '/metrics',
        handle: async (_, response) => reply(response, 200, registry.contentType, await registry.metrics()),
      },
      {
        method: 'GET',
        path: '/api/status',
        handle: (_, response) => replyJson(response, 200, this.#status()),
      },
      { method: 'GET', path: '/api/tags', handle: (_, response) => this.#tags(response) },
      { method: 'GET', path: '/api/anomalies', handle: (_, response) => this.#anomalyLists(response) },
      {
        method: 'GET',
        path: '/api/commands',
        handle: (_, response) =>
          replyJson(
            response,
            200,
            commands.list().map(({ name, description }) => ({ name, description })),
          ),
      },
      {
        method: 'POST',
        path: '/api/commands/',
        handle: (request, response, name) => this.#command(request, response, name),
      },
      { method: 'GET', path: '/api/stream', handle: (request, response) => this.#follow(request, response) },
    ];
  }

  #ready(response: ServerResponse): void {
    const reasons = notReadyReasons(this.#options.status(), this.#awaitsFirstReading);
    replyJson(response, reasons.length === 0 ? 200 : 503, { ready: reasons.length === 0, reasons });
  }

  #tags(response: ServerResponse): void {
    const now = this.#options.clock.mono();
    const tags = this.#options.tags.map((tag) => tagView(tag, this.#latest[tag.index], this.#history, now));
    replyJson(response, 200, { points: this.#history.points, tags });
  }

  #anomalyLists(response: ServerResponse): void {
    const { activeAnomalies, clock } = this.#options;
    const active = this.#anomalies.active(activeAnomalies(), clock.stamp());
    replyJson(response, 200, { active, past: this.#anomalies.past() });
  }

  async #command(request: IncomingMessage, response: ServerResponse, name: string): Promise<void> {
    const refusal = refuseCommand(request);
    if (refusal) return replyError(response, 403, 'command-refused', `command not run: ${refusal}`);
    const { log, commands } = this.#options;
    const result = await commands.run(name, await readJson(request));
    log.info({ event: 'dashboard.command.done', command: name }, `command ${name} was run`);
    replyJson(response, 200, result);
  }

  #follow(request: IncomingMessage, response: ServerResponse): void {
    if (request.method === 'HEAD') {
      reply(response, 200, 'text/event-stream', '');
      return;
    }
    if (this.#stream.add(response)) return;
    response.setHeader('Retry-After', '10');
    replyError(response, 503, 'too-many-streams', 'too many pages follow this node: close one');
  }
}

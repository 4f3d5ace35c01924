/** Everything below `/cameras/` and `/api/cameras`: the page, live pictures, snapshots, events, zones. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { CameraPagesConfig } from '../../../config/schema/http.ts';
import type { CameraView, ViewPicture } from '../../../core/camera-view.ts';
import type { Clock } from '../../../core/clock.ts';
import { InputError } from '../../../core/errors.ts';
import type { Log } from '../../../core/log.ts';
import type { ZoneStore } from '../../../core/zone-store.ts';
import { readJson, reply, replyError, replyJson } from '../reply.ts';
import type { Route } from '../routes.ts';
import { refuseCommand } from '../security.ts';
import type { StaticFiles } from '../static-files.ts';
import type { CameraPagesMetrics } from './metrics.ts';
import { MjpegStream } from './mjpeg.ts';
import { SceneStream } from './scene-stream.ts';
import { Viewers } from './viewers.ts';

export interface CameraPagesOptions {
  readonly cameras: readonly CameraView[];
  /** Absent: zones are not shown for editing. */
  readonly zones?: ZoneStore;
  readonly config: CameraPagesConfig;
  readonly files: StaticFiles;
  readonly metrics: CameraPagesMetrics;
  readonly clock: Clock;
  readonly log: Log;
}

/** A snapshot is asked for again and again while zones are edited; it must not cost more than a live picture. */
const SNAPSHOT_BYTES = 1024 * 1024;
const SNAPSHOT_EVERY = 200;

interface Camera {
  readonly view: CameraView;
  readonly pictures: MjpegStream;
  readonly scenes: SceneStream;
  /** The last snapshots, by whether they are annotated. */
  readonly snapshots: Map<boolean, { readonly at: number; readonly picture: Promise<ViewPicture> }>;
}

export class CameraPages {
  readonly #options: CameraPagesOptions;
  readonly #cameras: ReadonlyMap<string, Camera>;
  readonly #viewers: Viewers;
  readonly #metrics: CameraPagesMetrics;

  constructor(options: CameraPagesOptions) {
    const { cameras, config, clock, metrics } = options;
    this.#options = options;
    this.#metrics = metrics;
    this.#viewers = new Viewers(config.viewers, metrics.viewers);
    this.#cameras = new Map(
      cameras.map((view) => [
        view.name,
        {
          view,
          pictures: new MjpegStream({ view, config, clock, metrics }),
          scenes: new SceneStream(view, clock),
          snapshots: new Map(),
        },
      ]),
    );
  }

  routes(): readonly Route[] {
    return [
      { method: 'GET', path: '/api/cameras', handle: (_, response) => this.#list(response) },
      {
        method: 'GET',
        path: '/api/cameras/',
        handle: (_, response, rest) => this.#readZones(response, rest),
      },
      {
        method: 'POST',
        path: '/api/cameras/',
        handle: (request, response, rest) => this.#writeZones(request, response, rest),
      },
      {
        method: 'GET',
        path: '/cameras/',
        handle: (request, response, rest) => this.#show(request, response, rest),
      },
    ];
  }

  close(): void {
    for (const { pictures, scenes } of this.#cameras.values()) {
      pictures.close();
      scenes.close();
    }
  }

  #list(response: ServerResponse): void {
    const cameras = [...this.#cameras.values()].map(({ view }) => ({
      name: view.name,
      health: view.health(),
      events: view.openEvents().length,
    }));
    replyJson(response, 200, { cameras });
  }

  async #show(request: IncomingMessage, response: ServerResponse, rest: string): Promise<void> {
    const [name, what] = parts(rest);
    const camera = this.#cameras.get(name);
    if (!camera) {
      notFound(response);
      return;
    }
    switch (what) {
      case '':
        await this.#options.files.serve('/camera', request, response);
        return;
      case 'stream.mjpg':
        this.#stream(camera, request, response);
        return;
      case 'snapshot.jpg':
        return this.#snapshot(camera, request, response);
      case 'events':
        this.#events(camera, request, response);
        return;
      default:
        await this.#kept(camera, what, response);
    }
  }

  /** `snapshots/<event>.jpg`, as `snapshot.ref` of events names it. */
  async #kept({ view }: Camera, what: string, response: ServerResponse): Promise<void> {
    const event = /^snapshots\/([^/]+)\.jpg$/.exec(what)?.[1];
    const jpeg = event === undefined ? undefined : await view.kept(event);
    // A better one may take its place.
    if (jpeg) sendJpeg(response, jpeg, {});
    else notFound(response);
  }

  #stream(camera: Camera, request: IncomingMessage, response: ServerResponse): void {
    if (request.method === 'HEAD') {
      reply(response, 200, 'multipart/x-mixed-replace', '');
      return;
    }
    const leave = this.#viewers.enter();
    if (leave) {
      camera.pictures.add(response, leave);
      return;
    }
    this.#metrics.droppedLimit.inc();
    response.setHeader('Retry-After', '10');
    replyError(response, 503, 'too-many-viewers', 'too many live pictures are open on this node: close one');
  }

  /** `?plain`: without drawings. Those who ask at the same time get the same picture. */
  async #snapshot(camera: Camera, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { config, clock } = this.#options;
    const annotated = !/[?&]plain\b/.test(request.url ?? '');
    const now = clock.mono();
    let snapshot = camera.snapshots.get(annotated);
    if (!snapshot || now - snapshot.at >= SNAPSHOT_EVERY) {
      const { size: most, quality } = config;
      const picture = camera.view.picture({ most, quality, mostBytes: SNAPSHOT_BYTES, annotated });
      snapshot = { at: now, picture };
      camera.snapshots.set(annotated, snapshot);
    }
    try {
      const { jpeg, sequence } = await snapshot.picture;
      sendJpeg(response, jpeg, { 'X-Sequence': sequence });
    } finally {
      // Kept for those who ask at the same moment, not for hours.
      if (camera.snapshots.get(annotated) === snapshot) {
        setTimeout(() => camera.snapshots.delete(annotated), SNAPSHOT_EVERY).unref();
      }
    }
  }

  #events(camera: Camera, request: IncomingMessage, response: ServerResponse): void {
    if (request.method === 'HEAD') {
      reply(response, 200, 'text/event-stream', '');
      return;
    }
    if (camera.scenes.add(response)) return;
    response.setHeader('Retry-After', '10');
    replyError(response, 503, 'too-many-streams', 'too many pages follow this camera: close one');
  }

  async #readZones(response: ServerResponse, rest: string): Promise<void> {
    const [name, what] = parts(rest);
    const { zones, config } = this.#options;
    if (!this.#cameras.has(name) || what !== 'zones' || !zones) return notFound(response);
    const found = await zones.read(name);
    const readOnly = config.editZones ? found.readOnly : 'http.cameras.editZones is off in the configuration';
    replyJson(response, 200, { ...found, ...(readOnly === undefined ? {} : { readOnly }) });
  }

  async #writeZones(request: IncomingMessage, response: ServerResponse, rest: string): Promise<void> {
    const [name, what] = parts(rest);
    const { zones, config, log } = this.#options;
    if (!this.#cameras.has(name) || what !== 'zones' || !zones) return notFound(response);
    const refusal = refuseCommand(request);
    if (refusal) return replyError(response, 403, 'command-refused', `nothing was changed: ${refusal}`);
    if (!config.editZones) {
      return replyError(
        response,
        403,
        'config-read-only',
        'http.cameras.editZones is off in the configuration',
      );
    }
    try {
      const written = await zones.write(name, await readJson(request));
      if ('problems' in written) {
        return replyJson(response, 422, {
          error: 'zones-invalid',
          message: 'nothing was changed',
          ...written,
        });
      }
      log.info({ event: 'dashboard.zones.written', camera: name }, `zones of camera ${name} were changed`);
      replyJson(response, 200, written);
    } catch (error) {
      const status = { 'config-changed': 409, 'config-read-only': 403 }[(error as InputError).code];
      if (!(error instanceof InputError) || status === undefined) throw error;
      replyError(response, status, error.code, error.message);
    }
  }
}

/** `gate/stream.mjpg` to its two parts. */
function parts(rest: string): [name: string, what: string] {
  const slash = rest.indexOf('/');
  return slash < 0 ? [rest, ''] : [rest.slice(0, slash), rest.slice(slash + 1)];
}

function sendJpeg(response: ServerResponse, jpeg: Uint8Array, more: Record<string, number>): void {
  response.writeHead(200, {
    'Content-Type': 'image/jpeg',
    'Content-Length': jpeg.length,
    'Cache-Control': 'no-store',
    ...more,
  });
  response.end(jpeg);
}

function notFound(response: ServerResponse): void {
  replyError(response, 404, 'not-found', 'there is no such camera or page');
}

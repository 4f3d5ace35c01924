/**
 * The live picture of one camera, to all who look: multipart MJPEG. Nothing is encoded while nobody looks, or while nobody
 * can take more. A viewer has at most one picture under way; who is slow gets fewer, never a queue.
 */

import type { ServerResponse } from 'node:http';
import type { CameraPagesConfig } from '../../../config/schema/http.ts';
import type { CameraView, ViewPicture } from '../../../core/camera-view.ts';
import type { Clock } from '../../../core/clock.ts';
import type { CameraPagesMetrics } from './metrics.ts';

const BOUNDARY = 'picture';
/** A camera that gives nothing is asked again after this. */
const PAUSE_MS = 1000;
/** Who takes nothing for so long is gone, though its connection does not know. */
const STUCK_MS = 30_000;
/** A picture of fewer bytes is of no use; what the bandwidth does not allow comes less often instead. */
const LEAST_PICTURE = 8 * 1024;

interface Viewer {
  readonly response: ServerResponse;
  readonly leave: () => void;
  /** Sent last; undefined before the first. */
  sequence: number | undefined;
  /** From when its bandwidth allows another picture. */
  readyAt: number;
  /** When it last had room. */
  roomAt: number;
}

export interface MjpegOptions {
  readonly view: CameraView;
  readonly config: CameraPagesConfig;
  readonly clock: Clock;
  readonly metrics: CameraPagesMetrics;
}

export class MjpegStream {
  readonly #options: MjpegOptions;
  readonly #viewers = new Set<Viewer>();
  #timer: NodeJS.Timeout | undefined;
  #asking = false;

  constructor(options: MjpegOptions) {
    this.#options = options;
  }

  /** @param leave called once, when the viewer is gone. */
  add(response: ServerResponse, leave: () => void): void {
    const now = this.#options.clock.mono();
    const viewer: Viewer = { response, leave, sequence: undefined, readyAt: now, roomAt: now };
    response.writeHead(200, {
      'Content-Type': `multipart/x-mixed-replace; boundary=${BOUNDARY}`,
      'Cache-Control': 'no-store',
      'X-Accel-Buffering': 'no',
    });
    // Browsers show a part when its end has come: it is sent with each picture, so the first boundary comes here.
    response.write(`--${BOUNDARY}\r\n`);
    response.on('close', () => this.#remove(viewer));
    this.#viewers.add(viewer);
    if (!this.#asking) this.#next(0);
  }

  close(): void {
    for (const viewer of [...this.#viewers]) {
      viewer.response.end();
      this.#remove(viewer);
    }
  }

  #next(delay: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#tick(), delay);
  }

  async #tick(): Promise<void> {
    const { clock, config, view, metrics } = this.#options;
    const period = 1000 / config.fps;
    const began = clock.mono();
    if (!this.#someoneIsReady(began)) {
      if (this.#viewers.size > 0) this.#next(period);
      return;
    }
    this.#asking = true;
    let delay = PAUSE_MS;
    try {
      const picture = await view.picture({
        most: config.size,
        quality: config.quality,
        mostBytes: Math.max(LEAST_PICTURE, Math.floor(config.bandwidth / config.fps)),
        annotated: true,
      });
      metrics.encoded.inc();
      for (const viewer of this.#viewers) this.#show(viewer, picture);
      delay = Math.max(0, period - (clock.mono() - began));
    } catch {
      // The camera's health, which the page shows, says why.
      metrics.failed.inc();
    } finally {
      this.#asking = false;
    }
    if (this.#viewers.size > 0) this.#next(delay);
  }

  #someoneIsReady(now: number): boolean {
    let ready = false;
    for (const viewer of this.#viewers) {
      if (hasRoom(viewer)) viewer.roomAt = now;
      else if (now - viewer.roomAt > STUCK_MS) {
        this.#options.metrics.droppedSlow.inc();
        viewer.response.destroy();
        continue;
      }
      ready ||= hasRoom(viewer) && now >= viewer.readyAt;
    }
    return ready;
  }

  #show(viewer: Viewer, { jpeg, sequence }: ViewPicture): void {
    const { clock, config, metrics } = this.#options;
    if (viewer.sequence === sequence) return;
    const now = clock.mono();
    if (!hasRoom(viewer) || now < viewer.readyAt) {
      metrics.skipped.inc();
      return;
    }
    viewer.sequence = sequence;
    viewer.readyAt =
      Math.max(viewer.readyAt, now - 1000 / config.fps) + (jpeg.length * 1000) / config.bandwidth;
    metrics.sentBytes.inc(jpeg.length);
    const { response } = viewer;
    response.cork();
    response.write(
      `Content-Type: image/jpeg\r\nContent-Length: ${jpeg.length}\r\nX-Sequence: ${sequence}\r\n\r\n`,
    );
    response.write(jpeg);
    response.write(`\r\n--${BOUNDARY}\r\n`);
    response.uncork();
  }

  #remove(viewer: Viewer): void {
    if (!this.#viewers.delete(viewer)) return;
    viewer.leave();
    if (this.#viewers.size === 0) clearTimeout(this.#timer);
  }
}

const hasRoom = ({ response }: Viewer) => response.writableLength === 0;

/** The cameras of one vision process: keeps the process alive, carries out what heals its cameras. */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Registry } from 'prom-client';
import type { DeviceProfile } from '../../config/device-profile/schema.ts';
import type { SessionLimits } from '../../config/device-profile/session-limits.ts';
import type { CameraConfig } from '../../config/schema/camera.ts';
import type { Clock } from '../../core/clock.ts';
import type { Component, Health } from '../../core/component.ts';
import { DeviceError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import { type Bytes, type Millis, millis, seconds } from '../../core/units.ts';
import { restartArgus } from './argus.ts';
import type { CameraEvent, CameraReason } from './events.ts';
import type { Framed } from './framing.ts';
import { healthOf } from './group-health.ts';
import { GroupModels } from './group-models.ts';
import { type CameraJobs, jobOf, lookingJob } from './job.ts';
import type { HealingStep } from './ladder.ts';
import { MemoryWatch } from './memory-watch.ts';
import type {
  CapturedPicture,
  FrameDetections,
  FromVision,
  ModelFacts,
  ModelJob,
  PictureWish,
  ToVision,
} from './messages.ts';
import { type ProcessMetrics, processMetrics } from './metrics.ts';
import { PictureRequests } from './picture-requests.ts';
import { VisionProcess } from './vision-process.ts';
import { WatchedCamera } from './watched-camera.ts';

export interface CameraGroupOptions {
  readonly group: string;
  readonly cameras: readonly CameraConfig[];
  readonly profile: DeviceProfile;
  readonly limits: SessionLimits;
  readonly clock: Clock;
  readonly log: Log;
  readonly registry: Registry;
  /** Where links to pictures and GStreamer's registry are kept. */
  readonly directory: string;
  readonly readSecret: (reference: string) => string;
  /** In the order they were captured. Must not throw. @param model that looked. */
  readonly onDetections: (frame: FrameDetections, model: ModelFacts) => void;
  readonly onEvent: (event: CameraEvent) => void;
  /** A frame went without an answer: the model of a bundle failed. Must not throw. @param why for a person. */
  readonly onMissed?: (camera: string, model: ModelFacts, why: string) => void;
  /** The process ended in which the model looked, for no reason of the camera's; once for each model. Must not throw. */
  readonly onEnded?: (camera: string, model: ModelFacts, why: string) => void;
  /** Module of the vision process; for tests. */
  readonly module?: string;
}

const TICK = 250;
const MEMORY_EVERY = seconds(1);
/** Without a pulse for so long the process hangs; the first one waits for Node.js and GStreamer to load. */
const PULSE_LIMIT = seconds(5);
const PULSE_OVERDUE = seconds(1.5);
const FIRST_PULSE_LIMIT = seconds(30);
/** A look that takes so long hangs: what was to look next never would. As the trial of a release has it, which goes back then. */
const LOOK_HANGS = seconds(10);
/** Later than that: the process that comes up then has the release before. */
const LOOK_LIMIT = seconds(12);
const STOP_PATIENCE = 1500;
const FIRST_PAUSE = seconds(1);
const LONGEST_PAUSE = seconds(60);
/** A process that lived so long died of something new. */
const LONG_LIFE = seconds(60);

export class CameraGroup implements Component {
  readonly name: string;
  readonly #options: CameraGroupOptions;
  readonly #cameras: ReadonlyMap<string, WatchedCamera>;
  readonly #metrics: ProcessMetrics;
  readonly #pictures = new PictureRequests();
  readonly #models = new GroupModels();
  #jobs: CameraJobs = { jobs: [], refused: [] };
  #process: VisionProcess | undefined;
  #memory: MemoryWatch;
  #startedAt: Millis;
  #lastPulse: Millis;
  #pulsed = false;
  #memoryAt: Millis;
  #restarts = 0;
  /** When a process that ended is started again. */
  #startAt: Millis | undefined;
  /** Why the process is about to be killed. */
  #killing: { readonly reason: CameraReason; readonly detail: string; readonly told: boolean } | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: CameraGroupOptions) {
    const { group, cameras, clock, log, registry, onEvent } = options;
    const now = clock.mono();
    this.#options = options;
    this.name = `vision-${group}`;
    this.#metrics = processMetrics(registry, group);
    this.#cameras = new Map(
      cameras.map((config) => [config.name, new WatchedCamera({ config, log, registry, now, onEvent })]),
    );
    this.#memory = this.#freshMemory(now);
    this.#startedAt = now;
    this.#lastPulse = now;
    this.#memoryAt = now;
  }

  async start(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    mkdirSync(this.#options.directory, { recursive: true });
    this.#jobs = jobsOf(this.#options);
    for (const { camera, why } of this.#jobs.refused) this.#cameras.get(camera)?.refuse(why);
    if (this.#jobs.jobs.length === 0) return;
    this.#launch();
    this.#timer = setInterval(() => this.#tick(), TICK);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#pictures.failAll('the node is stopping');
    this.#models.stop();
    const process = this.#process;
    this.#process = undefined;
    await process?.stop(STOP_PATIENCE);
  }

  health(): Health {
    const parts = Object.fromEntries([...this.#cameras].map(([name, camera]) => [name, camera.health()]));
    if (this.#startAt !== undefined)
      return { state: 'degraded', detail: 'the process ended and is started again soon', parts };
    return healthOf(parts);
  }

  /** Process id of the vision process; undefined while there is none. */
  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** @throws (rejects) DeviceError `no-picture`, retryable. */
  picture(camera: string, wish: PictureWish): Promise<CapturedPicture> {
    const process = this.#process;
    if (process && this.#cameras.has(camera)) {
      return this.#pictures.ask(camera, wish, (message) => process.send(message));
    }
    const why = process ? 'there is no such camera here' : 'its process does not run now';
    return Promise.reject(new DeviceError('no-picture', `camera '${camera}': ${why}`, { retryable: true }));
  }

  /**
   * A release of a bundle looks at the camera's frames from now on; the one before until it is loaded and warm. Where no
   * process runs, the next one loads it.
   * @throws (rejects) as GroupModels.serve
   */
  async serveModel(camera: string, model: ModelJob): Promise<void> {
    const refused = this.#jobs.refused.some((one) => one.camera === camera);
    await this.#models.serve(camera, model, refused ? undefined : this.#send, this.#options.clock.mono());
  }

  /** Nothing looks at its frames any more. */
  clearModel(camera: string, reason: string): void {
    this.#models.clear(camera, this.#send);
    this.#cameras.get(camera)?.modelMissing(reason);
  }

  /** Of its process; undefined while none runs. */
  resident(): Bytes | undefined {
    return this.#process?.resident();
  }

  /** How long the model has been at the frame that it looks at; 0 between two looks. */
  lookingFor(camera: string): Millis {
    return this.#cameras.get(camera)?.lookingFor(this.#options.clock.mono()) ?? millis(0);
  }

  /** @param camera of which `detection` alone differs: its pipeline and its model go on. */
  configure(camera: CameraConfig): void {
    const { profile } = this.#options;
    const jobs = this.#jobs.jobs.map((job) =>
      job.camera === camera.name ? { ...job, ...lookingJob(camera, profile) } : job,
    );
    this.#jobs = { ...this.#jobs, jobs };
    this.#process?.send({ type: 'configure', camera: camera.name, ...lookingJob(camera, profile) });
  }

  /** Something is tracked on the camera: its motion gate stays open. */
  busy(camera: string, busy: boolean): void {
    this.#process?.send({ type: 'busy', camera, busy });
  }

  #launch(): void {
    const { clock, log, directory, module } = this.#options;
    const now = clock.mono();
    this.#startAt = undefined;
    this.#killing = undefined;
    this.#startedAt = now;
    this.#lastPulse = now;
    this.#pulsed = false;
    this.#memory = this.#freshMemory(now);
    for (const camera of this.#cameras.values()) camera.restarted(now);
    const process: VisionProcess = new VisionProcess({
      log,
      // Kept, so that not every start looks into each plugin; a home folder may not be there.
      env: { GST_REGISTRY: join(directory, 'gstreamer-registry.bin') },
      onMessage: (framed) => this.#onMessage(framed),
      onExit: (why) => {
        if (this.#process === process) this.#onExit(why);
      },
      ...(module === undefined ? {} : { module }),
    });
    this.#process = process;
    log.info(
      { event: 'vision.process.started', component: this.name, pid: process.pid },
      `${this.name} runs`,
    );
    for (const job of this.#jobs.jobs) process.send({ type: 'start', job });
    this.#models.started((message) => process.send(message), now);
  }

  /** To the process; undefined while none runs. */
  get #send(): ((message: ToVision) => void) | undefined {
    const process = this.#process;
    return process && ((message) => process.send(message));
  }

  #onMessage({ message, bytes }: Framed<FromVision>): void {
    switch (message.type) {
      case 'alive':
        this.#pulse(message);
        return;
      case 'picture':
        this.#pictures.settle(message, bytes);
        return;
      case 'log':
        this.#options.log.info({ component: this.name, ...message.line });
        return;
      case 'hello':
        return;
      default:
        this.#onCamera(message);
    }
  }

  #onCamera(message: Extract<FromVision, { camera: string }>): void {
    const camera = this.#cameras.get(message.camera);
    if (!camera) return;
    if (message.type === 'model') {
      camera.model = message;
      this.#memory.settle(this.#options.clock.mono());
      camera.modelMissing(undefined);
      this.#models.looks(message.camera, message);
    } else if (message.type === 'model-refused') this.#refused(camera, message);
    else if (message.type === 'missed') this.#missed(camera, message.detail);
    else if (message.type === 'ended') camera.ended();
    else if (message.type === 'rate') camera.rate(message);
    else if (message.type === 'faces') camera.faces(message.trouble);
    else if (message.type === 'fault') camera.fault(message.code, message.detail);
    else {
      camera.looked(message);
      if (camera.model) this.#options.onDetections(message, camera.model);
    }
  }

  #refused(camera: WatchedCamera, told: Extract<FromVision, { type: 'model-refused' }>): void {
    const { bundle, code, detail } = told;
    camera.missed(`the model cannot be used: ${detail}`);
    this.#models.refused(camera.name, bundle, code, detail);
  }

  #missed(camera: WatchedCamera, detail: string): void {
    camera.missed(`the model fails: ${detail}`);
    if (camera.model) this.#options.onMissed?.(camera.name, camera.model, detail);
  }

  #pulse({ cameras }: Extract<FromVision, { type: 'alive' }>): void {
    this.#lastPulse = this.#options.clock.mono();
    this.#pulsed = true;
    for (const [name, pulse] of Object.entries(cameras)) this.#cameras.get(name)?.pulse(pulse);
  }

  #tick(): void {
    const now = this.#options.clock.mono();
    if (this.#startAt !== undefined) {
      if (now >= this.#startAt) this.#launch();
      return;
    }
    const limit = this.#pulsed ? PULSE_LIMIT : FIRST_PULSE_LIMIT;
    if (now - this.#lastPulse > limit) {
      this.#kill('process-hung', `no sign of life for ${(limit / 1000).toFixed(0)} s`);
      return;
    }
    this.#lookAtMemory(now);
    // Without pulses nothing is known of the cameras: the process may hang.
    if (now - this.#lastPulse > PULSE_OVERDUE) return;
    const hung = this.#models.hung(now) ?? this.#hungLook(now);
    if (hung !== undefined) {
      this.#kill('model-hung', hung);
      return;
    }
    for (const camera of this.#cameras.values()) {
      const step = camera.tick(now);
      if (step) this.#carryOut(camera, step);
    }
  }

  /** No other pipeline would end it, and no other model can take over. @returns what is said of it. */
  #hungLook(now: Millis): string | undefined {
    for (const camera of this.#cameras.values()) {
      const took = camera.lookingFor(now);
      if (took < (this.#models.waits(camera.name) ? LOOK_HANGS : LOOK_LIMIT)) continue;
      const { name = 'the model', version = '' } = camera.model?.identity ?? {};
      return `${name} ${version} has been at one frame for ${(took / 1000).toFixed(0)} s`;
    }
    return undefined;
  }

  #lookAtMemory(now: Millis): void {
    if (now - this.#memoryAt < MEMORY_EVERY) return;
    this.#memoryAt = now;
    const resident = this.#process?.resident();
    if (resident === undefined) return;
    this.#metrics.resident(resident);
    const trouble = this.#memory.look(resident, now);
    if (trouble) this.#kill(trouble.reason, trouble.detail);
  }

  #carryOut({ name }: WatchedCamera, { rung, reason, detail }: HealingStep): void {
    if (rung === 'rebuild') this.#process?.send({ type: 'rebuild', camera: name });
    else if (rung === 'restart-process') this.#kill(reason, detail, true);
    else if (rung === 'restart-argus') void this.#restartArgus(reason, detail);
  }

  async #restartArgus(reason: CameraReason, detail: string): Promise<void> {
    const why = await restartArgus();
    const { log } = this.#options;
    if (why === undefined) log.warn({ event: 'camera.argus.restarted' }, 'nvargus-daemon was restarted');
    else log.error({ event: 'camera.argus.failed', error: why }, 'nvargus-daemon could not be restarted');
    // What the process holds of the daemon is stale now.
    this.#kill(reason, detail, true);
  }

  /** @param told whether the camera's ladder said so already. */
  #kill(reason: CameraReason, detail: string, told = false): void {
    if (this.#killing || !this.#process) return;
    this.#killing = { reason, detail, told };
    this.#process.kill();
  }

  #onExit(why: string): void {
    const { clock, log } = this.#options;
    const now = clock.mono();
    const { reason, detail, told } = this.#killing ?? {
      reason: 'process-exited' as const,
      detail: `the process ${why}`,
      told: false,
    };
    this.#process = undefined;
    this.#pictures.failAll('its process ended');
    this.#models.ended(why);
    if (!told) this.#tellEnded(detail);
    this.#restarts = now - this.#startedAt > LONG_LIFE ? 1 : this.#restarts + 1;
    // The ladder paused already before it asked for this.
    const pause = told ? 0 : Math.min(FIRST_PAUSE * 2 ** Math.min(this.#restarts - 1, 16), LONGEST_PAUSE);
    this.#startAt = millis(now + pause);
    log.warn(
      { event: 'vision.process.ended', component: this.name, reason, pauseMs: pause },
      `${this.name}: ${detail}; ${why}`,
    );
    if (told) return;
    for (const camera of this.#cameras.values()) camera.tellProcess(reason, detail, this.#restarts);
  }

  /** @param detail of the end, which the camera's ladder did not ask for. */
  #tellEnded(detail: string): void {
    const looked = [...this.#cameras.values()].filter(({ model }) => model !== undefined);
    const models = new Map(looked.map(({ name, model }) => [model!.bundle, { name, model: model! }]));
    for (const { name, model } of models.values()) this.#options.onEnded?.(name, model, detail);
  }

  #freshMemory(now: Millis): MemoryWatch {
    return new MemoryWatch(this.#options.cameras[0]!.memory, now);
  }
}

function jobsOf({ cameras, profile, limits, directory, readSecret }: CameraGroupOptions): CameraJobs {
  const outcomes = cameras.map((camera) => jobOf(camera, { profile, limits, directory, readSecret }));
  return {
    jobs: outcomes.flatMap((outcome) => ('pipeline' in outcome ? [outcome] : [])),
    refused: outcomes.flatMap((outcome) => ('why' in outcome ? [outcome] : [])),
  };
}

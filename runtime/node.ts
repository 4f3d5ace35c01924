/** One running node: what wire.ts joined, with its start, reload and stop. */

import { planReload } from './config/changes.ts';
import type { RunnableConfig } from './config/last-known-good.ts';
import type { CameraConfig } from './config/schema/camera.ts';
import type { SourceConfig } from './config/schema/root.ts';
import type { Component } from './core/component.ts';
import { describeError } from './core/errors.ts';
import type { Log } from './core/log.ts';
import type { NodeStatus } from './core/status.ts';
import type { Millis } from './core/units.ts';
import { readyWith } from './supervisor/readiness.ts';
import type { Watched } from './supervisor/service-watch.ts';
import type { SourceProgress } from './supervisor/source-progress.ts';
import { statusLine } from './supervisor/status-line.ts';
import type { Supervisor } from './supervisor/supervisor.ts';

export interface NodeParts {
  readonly supervisor: Supervisor;
  readonly log: Log;
  /** Reads the file again. @throws InputError when it cannot run and nothing can stand in for it. */
  readonly loadConfig: () => Promise<RunnableConfig>;
  readonly makeSource: (config: SourceConfig) => Component;
  /** Takes over what these cameras look for, where and when. */
  readonly configureCameras: (cameras: readonly CameraConfig[]) => void;
  readonly status: () => NodeStatus;
  /** What the sources deliver. */
  readonly progress: SourceProgress;
  /** Why a part that all of the node needs hangs; undefined while it goes on. */
  readonly stuck: (now: Millis) => string | undefined;
  readonly tags: number;
  /** Names of the components that watch cameras. */
  readonly cameras: readonly string[];
}

/** What a reload did. */
export interface ReloadOutcome {
  /** What was taken over: `log`, `sources.plc-1`, `cameras.gate.detection`. */
  readonly applied: readonly string[];
  readonly needsRestart: readonly string[];
  /** Why nothing was, for a person. */
  readonly refused?: string;
}

export class VigieNode implements Watched {
  readonly #parts: NodeParts;
  #running: RunnableConfig;
  #configStatus: NodeStatus['config'];
  /** The start, then the reload under way. */
  #busy: Promise<unknown> = Promise.resolve();
  #nextReload: Promise<ReloadOutcome> | undefined;
  /** What was changed in the file and waits for a restart. */
  #needsRestart: readonly string[] = [];
  #stopping = false;

  constructor(parts: NodeParts, running: RunnableConfig) {
    this.#parts = parts;
    this.#running = running;
    this.#configStatus = running;
  }

  /** What became of the file when it was last read. */
  get configStatus(): NodeStatus['config'] {
    const { state, problems } = this.#configStatus;
    const needsRestart = this.#needsRestart;
    return { state, problems, ...(needsRestart.length > 0 ? { needsRestart } : {}) };
  }

  status(): NodeStatus {
    return this.#parts.status();
  }

  stuck(now: Millis): string | undefined {
    return this.#parts.progress.stuck(now) ?? this.#parts.stuck(now);
  }

  readyWith(waited: Millis): string | undefined {
    const { supervisor, progress, cameras } = this.#parts;
    const all = supervisor.components();
    const healthOf = (names: readonly string[]) =>
      Object.fromEntries(names.flatMap((name) => (all[name] ? [[name, all[name]]] : [])));
    const sources = healthOf(this.#running.config.sources.map(({ name }) => name));
    return readyWith({ sources, cameras: healthOf(cameras), anyGood: progress.anyGood }, waited);
  }

  statusLine(): string {
    return statusLine(this.status(), {
      tags: this.#parts.tags,
      cameras: this.#running.config.cameras.length,
    });
  }

  /** A source that says nothing at all hangs: it is started anew. */
  heal(now: Millis): void {
    const { progress, supervisor, makeSource, log } = this.#parts;
    if (this.#stopping) return;
    for (const name of progress.takeSilent(now)) {
      const config = this.#running.config.sources.find((source) => source.name === name);
      if (!config) continue;
      log.error(
        { event: 'source.silent', component: name },
        `${name} is silent beyond its periods: started anew`,
      );
      void supervisor.replace(makeSource(config)).catch((error) => {
        log.error(
          { event: 'source.restart.failed', component: name, error: describeError(error) },
          'not started',
        );
      });
    }
  }

  async start(): Promise<void> {
    const { log, supervisor } = this.#parts;
    this.#logProblems(this.#running);
    this.#logDevice();
    const { notKept } = this.#running;
    if (notKept !== undefined) log.error({ event: 'config.keep.failed' }, notKept);
    this.#busy = supervisor.start();
    await this.#busy;
  }

  /** @returns the names of the components that did not stop in time. */
  stop(): Promise<readonly string[]> {
    this.#stopping = true;
    return this.#parts.supervisor.stop();
  }

  /**
   * Takes over what can be taken over from the file as it is now; says what needs a restart. Never throws. However
   * often it is asked meanwhile, one more look at the file follows the one under way.
   */
  reload(): Promise<ReloadOutcome> {
    this.#nextReload ??= this.#busy.then(() => {
      this.#nextReload = undefined;
      const reload = this.#reload();
      this.#busy = reload;
      return reload;
    });
    return this.#nextReload;
  }

  async #reload(): Promise<ReloadOutcome> {
    const { log, loadConfig } = this.#parts;
    const refused = (why: string) => ({ applied: [], needsRestart: this.#needsRestart, refused: why });
    if (this.#stopping) return refused('the node is stopping');
    try {
      const next = await loadConfig();
      if (this.#stopping) return refused('the node is stopping');
      this.#configStatus = next;
      this.#logProblems(next);
      if (next.state === 'last-known-good') {
        log.error({ event: 'config.reload.refused' }, 'the configuration is wrong; the node stays as it is');
        return refused('the configuration is wrong; the node stays as it is');
      }
      return await this.#apply(next);
    } catch (error) {
      const reason = describeError(error);
      this.#configStatus = { state: 'last-known-good', problems: [reason] };
      log.error({ event: 'config.reload.refused', error: reason }, 'the configuration was not reloaded');
      return refused(reason);
    }
  }

  async #apply(next: RunnableConfig): Promise<ReloadOutcome> {
    const { log, supervisor, makeSource, configureCameras } = this.#parts;
    const { config } = this.#running;
    const plan = planReload(config, next.config);
    if (plan.logLevel) log.level = plan.logLevel;
    for (const source of plan.sources) await supervisor.replace(makeSource(source));
    configureCameras(plan.cameras);
    // What was taken over is not taken over again by the next reload; the rest still waits for a restart.
    const sources = plan.needsRestart.includes('sources') ? config.sources : next.config.sources;
    const taken = new Map(plan.cameras.map((camera) => [camera.name, camera]));
    const cameras = config.cameras.map((camera) => taken.get(camera.name) ?? camera);
    this.#running = { ...next, config: { ...config, log: next.config.log, sources, cameras } };
    this.#needsRestart = plan.needsRestart;
    if (plan.needsRestart.length > 0) {
      log.warn(
        { event: 'config.reload.needs-restart', keys: plan.needsRestart },
        `restart the node to apply: ${plan.needsRestart.join(', ')}`,
      );
    }
    const restarted = plan.sources.map(({ name }) => name);
    const names = [...taken.keys()];
    log.info(
      { event: 'config.reload.done', logLevel: log.level, sources: restarted, cameras: names },
      `configuration reloaded; sources started again: ${restarted.join(', ') || 'none'}; cameras that look anew: ${names.join(', ') || 'none'}`,
    );
    const applied = [
      ...(plan.logLevel ? ['log'] : []),
      ...restarted.map((name) => `sources.${name}`),
      ...names.map((name) => `cameras.${name}.detection`),
    ];
    return { applied, needsRestart: plan.needsRestart };
  }

  #logDevice(): void {
    const { profile, board, why } = this.#running.device;
    const facts = { event: 'device.profile.chosen', profile: profile.name, board, why };
    this.#parts.log.info(facts, `${board} runs under the device profile ${profile.name}: ${why}`);
  }

  #logProblems({ state, problems }: RunnableConfig): void {
    for (const problem of problems) this.#parts.log.error({ event: 'config.problem', state }, problem);
  }
}

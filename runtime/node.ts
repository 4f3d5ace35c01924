/** One running node: what wire.ts joined, with its start, reload and stop. */

import { planReload } from './config/changes.ts';
import type { RunnableConfig } from './config/last-known-good.ts';
import type { SourceConfig } from './config/schema/root.ts';
import type { Component } from './core/component.ts';
import { describeError } from './core/errors.ts';
import type { Log } from './core/log.ts';
import type { NodeStatus } from './core/status.ts';
import type { Supervisor } from './supervisor/supervisor.ts';

export interface NodeParts {
  readonly supervisor: Supervisor;
  readonly log: Log;
  /** Reads the file again. @throws InputError when it cannot run and nothing can stand in for it. */
  readonly loadConfig: () => RunnableConfig;
  readonly makeSource: (config: SourceConfig) => Component;
  readonly status: () => NodeStatus;
}

export class VigieNode {
  readonly #parts: NodeParts;
  #running: RunnableConfig;

  constructor(parts: NodeParts, running: RunnableConfig) {
    this.#parts = parts;
    this.#running = running;
  }

  status(): NodeStatus {
    return this.#parts.status();
  }

  async start(): Promise<void> {
    const { state, problems } = this.#running;
    for (const problem of problems) this.#parts.log.error({ event: 'config.problem', state }, problem);
    await this.#parts.supervisor.start();
  }

  /** @returns the names of the components that did not stop in time. */
  stop(): Promise<readonly string[]> {
    return this.#parts.supervisor.stop();
  }

  /** Takes over what can be taken over from the file as it is now; says what needs a restart. Never throws. */
  async reload(): Promise<void> {
    const { log, loadConfig } = this.#parts;
    try {
      const next = loadConfig();
      if (next.state === 'last-known-good') {
        for (const problem of next.problems)
          log.error({ event: 'config.problem', state: next.state }, problem);
        log.error({ event: 'config.reload.refused' }, 'the configuration is wrong; the node stays as it is');
        return;
      }
      await this.#apply(next);
    } catch (error) {
      log.error(
        { event: 'config.reload.refused', error: describeError(error) },
        'the configuration was not reloaded',
      );
    }
  }

  async #apply(next: RunnableConfig): Promise<void> {
    const { log, supervisor, makeSource } = this.#parts;
    const plan = planReload(this.#running.config, next.config);
    if (plan.logLevel) log.level = plan.logLevel;
    for (const source of plan.sources) await supervisor.replace(makeSource(source));
    if (plan.needsRestart.length > 0) {
      log.warn(
        { event: 'config.reload.needs-restart', keys: plan.needsRestart },
        `restart the node to apply: ${plan.needsRestart.join(', ')}`,
      );
    } else {
      this.#running = next;
    }
    const sources = plan.sources.map(({ name }) => name);
    log.info(
      { event: 'config.reload.done', logLevel: log.level, sources },
      `configuration reloaded; sources started again: ${sources.join(', ') || 'none'}`,
    );
  }
}

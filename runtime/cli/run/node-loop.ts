/** Starts the node, and starts it again in the same process when it asks for that, until a signal ends it. */

import { flushCompileCache } from 'node:module';
import { loadChecked } from '../../config/checked-config.ts';
import type { RunnableConfig } from '../../config/last-known-good.ts';
import { type ConfigSource, PushedConfiguration } from '../../config/pushed/pushed.ts';
import { SystemClock } from '../../core/clock.ts';
import type { Component } from '../../core/component.ts';
import { createLog, type Log } from '../../core/log.ts';
import { REPORT } from '../../first-boot/places.ts';
import { readReport } from '../../first-boot/report.ts';
import type { VigieNode } from '../../node.ts';
import { version } from '../version.ts';
import { Asked } from './asked.ts';
import type { Service } from './service.ts';

/** Node.js keeps compiled code at a clean end alone, and many a node only ever loses its power. */
const FLUSH_AFTER_MS = 60_000;

export interface NodeLoopOptions {
  readonly file: string;
  readonly dataDir: string;
  readonly service: Service;
  /** What of the configuration runs; all of it, if left out. */
  readonly reduce?: (running: RunnableConfig) => RunnableConfig;
  /** Further components of each start. */
  readonly extra?: (asked: Asked, log: Log) => readonly Component[];
  /** The configuration of a start; the file's, if left out. @throws InputError */
  readonly load?: (source: ConfigSource) => Promise<RunnableConfig>;
  /** Whether a restart that the node asks for ends the process. */
  readonly endsAtRestart?: boolean;
}

export interface LoopEnd {
  /** The components that did not stop in time. */
  readonly late: readonly string[];
  /** Whether the node asked to be started again, and why. */
  readonly restart: string | undefined;
}

export async function runNodes(options: NodeLoopOptions): Promise<LoopEnd> {
  const { file, dataDir, service, endsAtRestart = false } = options;
  const clock = new SystemClock();
  // Unhandled, a SIGHUP that comes while the node is put together would end it.
  const asked = new Asked({
    onReload: (reload) => {
      service.manager.reloading(clock.mono());
      void reload.finally(() => service.manager.reloaded());
    },
    onEnd: () => service.manager.stopping(),
  });
  const pushed = new PushedConfiguration(file, dataDir);
  while (asked.again) {
    asked.next = 'end';
    const source = pushed.begin();
    const { node, log } = (await joined(options, asked, pushed, source)) ?? {};
    if (!node || !log) break;
    const watch = service.watch(clock, log, () => service.lastWords.forget());
    watch.watch(node);
    const stopped = asked.run(node);
    await node.start();
    asked.reloadIfAsked();
    log.info({ event: 'node.started', version: version(), file: source.file, dataDir }, 'the node runs');
    setTimeout(flushCompileCache, FLUSH_AFTER_MS).unref();
    const late = await stopped;
    watch.watch(undefined);
    const { again } = asked;
    if (!again) watch.stop();
    const why = again ? `, to start again: ${asked.why}` : '';
    log.info(
      { event: 'node.stopped', late },
      late.length > 0 ? `stopped, without waiting for ${late.join(', ')}${why}` : `stopped${why}`,
    );
    // What did not let go of its files would meet itself.
    if (late.length > 0 || (again && endsAtRestart)) return { late, restart: again ? asked.why : undefined };
  }
  return { late: [], restart: undefined };
}

/** @returns undefined when a signal came meanwhile. */
async function joined(
  { dataDir, reduce = (running) => running, extra, load }: NodeLoopOptions,
  asked: Asked,
  pushed: PushedConfiguration,
  source: ConfigSource,
): Promise<{ node: VigieNode; log: Log } | undefined> {
  const read = load ?? (({ file, directory }) => loadChecked(file, dataDir, version(), directory));
  const loadConfig = async () => reduce(await read(source));
  // Side by side: where the check takes a child process, the modules are loaded meanwhile.
  const [running, { wire }] = await Promise.all([loadConfig(), import('../../wire.ts')]);
  const log = createLog(running.config.log.level);
  const node = await wire({
    running,
    configFile: source.file,
    loadConfig,
    dataDir,
    version: version(),
    log,
    pushed,
    firstBoot: readReport(REPORT),
    restart: (reason) => asked.restart(reason),
    ...(extra ? { extra: extra(asked, log) } : {}),
  });
  return asked.ended ? undefined : { node, log };
}

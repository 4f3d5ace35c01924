/** What of a configuration runs in safe mode: who the node is, its page, its broker, its updates. Nothing that measures. */

import { hostname } from 'node:os';
import type { RunnableConfig } from './last-known-good.ts';
import { loadConfig } from './load.ts';
import type { Config } from './schema/root.ts';

/** @param bare without broker and updates, too: when the node does not even stay up with these. */
export function safeConfig(running: RunnableConfig, bare: boolean): RunnableConfig {
  const { mqtt, ota, ...rest } = running.config;
  const config: Config = {
    ...rest,
    sources: [],
    cameras: [],
    anomaly: { ...running.config.anomaly, enabled: false, models: [] },
    ...(bare ? {} : { ...(mqtt && { mqtt }), ...(ota && { ota }) }),
  };
  return { ...running, config };
}

/** For a node whose own configuration cannot run at all: its page on loopback, under the machine's name. */
export function emergencyConfig(): Config {
  const name =
    hostname()
      .replaceAll(/[^A-Za-z0-9_.-]/g, '-')
      .replace(/^[^A-Za-z0-9]+/, '')
      .slice(0, 64) || 'node';
  return loadConfig(`node: { site: unknown, name: '${name}' }\n`, '/').config!;
}

/** Joins what signed bundles need: slots that serve, the update client that fills them, detectors that infer through them. */

import type { OtaLink } from '../../ota/protocol/link.ts';
import type { RunnableConfig } from '../config/last-known-good.ts';
import type { PushedConfiguration } from '../config/pushed/pushed.ts';
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { Accept, Tag } from '../core/messages.ts';
import type { Registry } from '../core/prometheus.ts';
import type { NodeStatus } from '../core/status.ts';
import { BundleModelDetector, checkBundleModel, isFromBundle } from '../pipeline/anomaly/bundle-model.ts';
import { unavailableBackends } from '../pipeline/inference/choose-backend.ts';
import { Models } from '../pipeline/models/models.ts';
import { localCommands, openCommands } from './commands.ts';
import { configurationHost } from './configuration-host.ts';
import { factsOf, machineOf } from './machine.ts';
import { registerModelMetrics, skippedRows } from './metrics.ts';
import { Updates } from './updates.ts';

export interface BundlesParts {
  readonly running: RunnableConfig;
  readonly dataDir: string;
  readonly version: string;
  readonly pushed: PushedConfiguration;
  readonly restart: (reason: string) => void;
  readonly link: OtaLink | undefined;
  readonly accept: Accept;
  /** Asked once everything is joined. */
  readonly status: () => NodeStatus;
  readonly clock: Clock;
  readonly log: Log;
  readonly registry: Registry;
}

/** For a configuration with `ota`. */
export function createBundles(parts: BundlesParts) {
  const { running, dataDir, version, pushed, restart, status, clock, log, registry } = parts;
  const { config, device } = running;
  const { site, name: node } = config.node;
  const machine = () => machineOf(device, dataDir);
  const models = new Models({ machine, unavailable: unavailableBackends, clock, log });
  const components = () => status().components;
  const updates = new Updates({
    ...parts,
    config: config.ota!,
    site,
    node,
    models,
    facts: () => factsOf(device, version),
    configuration: configurationHost({ pushed, components, restart, clock, log }),
  });
  registerModelMetrics({
    registry,
    models,
    status: () => updates.status(),
    counters: () => updates.source?.counters,
  });
  const skipped = skippedRows(registry);
  const wanted = config.anomaly.models.filter(isFromBundle);
  for (const model of wanted) models.slot(model.bundle).require((loaded) => checkBundleModel(model, loaded));
  /** Of one group. */
  const detectors = (columns: readonly Tag[]) =>
    wanted
      .filter(({ group }) => group === columns[0]?.group)
      .map(
        (model) =>
          new BundleModelDetector(model, models.slot(model.bundle), columns, () => skipped(model.name)),
      );
  return {
    updates,
    models,
    detectors,
    commands: openCommands(updates),
    localCommands: localCommands(updates),
  };
}

/** READ THIS FIRST. The composition root: the only file that names every source, stage and sink, and joins them. */

import type { Registry } from 'prom-client';
import { clockSynchronised, kernelProbe } from './addon/clock-probe.ts';
import type { RunnableConfig } from './config/last-known-good.ts';
import type { SourceConfig } from './config/schema/root.ts';
import { readSecret } from './config/secret.ts';
import { buildTags } from './config/tags.ts';
import { type Clock, type SyncProbe, SystemClock } from './core/clock.ts';
import { CommandTable } from './core/commands.ts';
import type { Component, Source } from './core/component.ts';
import { describeError } from './core/errors.ts';
import type { Log } from './core/log.ts';
import type { Emit, Tag } from './core/messages.ts';
import type { NodeStatus } from './core/status.ts';
import { VigieNode } from './node.ts';
import { Analysis } from './pipeline/analysis/analysis.ts';
import { createDetectors } from './pipeline/anomaly/standard-set.ts';
import { Dashboard } from './sinks/dashboard/dashboard.ts';
import { registerNodeMetrics } from './sinks/metrics/node-metrics.ts';
import { createRegistry } from './sinks/metrics/registry.ts';
import { TagMetrics } from './sinks/metrics/tag-metrics.ts';
import { MqttSink } from './sinks/mqtt/mqtt-sink.ts';
import { SparkplugPublisher } from './sinks/mqtt/sparkplug.ts';
import { Outbox } from './sinks/outbox/outbox.ts';
import { ReadingsBatcher } from './sinks/readings/readings.ts';
import { ModbusSource } from './sources/modbus/source.ts';
import { ReplaySource } from './sources/replay/replay-source.ts';
import { SerialSource } from './sources/serial/serial-source.ts';
import { healthRecord } from './supervisor/health-record.ts';
import { Supervisor } from './supervisor/supervisor.ts';
import { tagWriteCommand } from './tag-write.ts';

export interface WireOptions {
  readonly running: RunnableConfig;
  /** Reads the configuration file again, for a reload. */
  readonly loadConfig: () => RunnableConfig;
  readonly dataDir: string;
  readonly version: string;
  readonly log: Log;
}

/** What every source, stage and sink is given. */
interface Spine {
  readonly clock: Clock;
  readonly log: Log;
  readonly registry: Registry;
}

export function wire({ running, loadConfig, dataDir, version, log }: WireOptions): VigieNode {
  const { config } = running;
  const { site, name: node } = config.node;
  const clock = new SystemClock(syncProbe(log));
  const registry = createRegistry({ site, node, version });
  const spine: Spine = { clock, log, registry };
  const tags = buildTags(config);
  const began = clock.mono();
  const commands = new CommandTable();

  const status = (): NodeStatus => ({
    site,
    node,
    version,
    bootId: outbox.bootId,
    uptime: (clock.mono() - began) as NodeStatus['uptime'],
    timeQuality: clock.timeQuality(),
    health: supervisor.health(),
    components: supervisor.components(),
    outbox: outbox.depth(),
    baselines: analysis.status(),
    config: vigie.configStatus,
  });

  // Sinks, from the broker's end.
  const outbox = new Outbox({ ...spine, directory: dataDir, config: config.outbox });
  const accept = outbox.accept.bind(outbox);
  const readings = new ReadingsBatcher({ ...spine, accept, config: config.outbox.readings });
  const activeAnomalies = () => analysis.active();
  const dashboard = new Dashboard({
    ...spine,
    config: config.http,
    tags,
    status,
    activeAnomalies,
    commands,
    readSecret,
  });
  const mqtt =
    config.mqtt &&
    new MqttSink({
      ...spine,
      config: config.mqtt,
      site,
      node,
      bootId: outbox.bootId,
      queue: outbox,
      commands,
      status,
      readSecret,
    });
  const sparkplug =
    config.mqtt?.sparkplug &&
    mqtt &&
    new SparkplugPublisher({
      ...spine,
      config: config.mqtt,
      site,
      node,
      tags,
      metrics: mqtt.metrics,
      readSecret,
    });
  const tagMetrics = new TagMetrics({ registry, tags, clock });
  registerNodeMetrics({ registry, status });

  // The pipeline.
  const analysis = new Analysis({
    ...spine,
    config: config.anomaly,
    tags,
    createDetectors: (columns) => createDetectors(columns, { detectors: config.anomaly.detectors }),
    accept,
    directory: dataDir,
    idPrefix: outbox.bootId,
    onEvent: (event, stamp) => dashboard.acceptEvent(event, stamp),
  });

  // Sources: every sample goes to the analysis first, then to whoever shows or keeps it.
  const emit: Emit = (samples) => {
    analysis.accept(samples);
    readings.accept(samples);
    tagMetrics.accept(samples);
    dashboard.accept(samples);
    sparkplug?.accept(samples);
  };
  const makeSource = (source: SourceConfig) => createSource(source, { ...spine, tags: byName(tags), emit });
  const sources = new Map(config.sources.map((source) => [source.name, makeSource(source)]));

  for (const command of [...analysis.commands(), tagWriteCommand(tags, sources)]) commands.add(command);

  const supervisor = new Supervisor({
    components: [outbox, readings, analysis, ...sources.values(), ...present(mqtt, sparkplug), dashboard],
    clock,
    log,
    onHealthChange: (change) => void accept(healthRecord(change, clock.stamp())).catch(() => {}),
  });

  const vigie = new VigieNode(
    {
      supervisor,
      log,
      loadConfig,
      status,
      makeSource: (source) => {
        const next = makeSource(source);
        sources.set(source.name, next);
        return next;
      },
    },
    running,
  );
  return vigie;
}

interface SourceParts extends Spine {
  readonly tags: ReadonlyMap<string, Tag>;
  readonly emit: Emit;
}

function createSource(config: SourceConfig, parts: SourceParts): Source {
  switch (config.type) {
    case 'modbus':
      return new ModbusSource({ ...parts, config });
    case 'serial':
      return new SerialSource({ ...parts, config });
    case 'replay':
      return new ReplaySource({ ...parts, config });
  }
}

const present = (...parts: (Component | undefined)[]): Component[] =>
  parts.filter((part) => part !== undefined);

const byName = (tags: readonly Tag[]) => new Map(tags.map((tag) => [tag.name, tag]));

/** The kernel's word through the addon; without the addon the node still runs, on systemd's flag file. */
function syncProbe(log: Log): SyncProbe {
  try {
    clockSynchronised();
  } catch (error) {
    log.error(
      { event: 'addon.missing', error: describeError(error) },
      'the native addon does not load; the node runs without it',
    );
  }
  return kernelProbe;
}

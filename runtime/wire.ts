/** READ THIS FIRST. The composition root: the only file that names every source, stage and sink, and joins them. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Registry } from 'prom-client';
import { clockSynchronised, kernelProbe } from './addon/clock-probe.ts';
import type { Cameras, CamerasParts } from './cameras/cameras.ts';
import type { RunnableConfig } from './config/last-known-good.ts';
import type { PushedConfiguration } from './config/pushed/pushed.ts';
import type { CameraConfig } from './config/schema/camera.ts';
import type { Config, SourceConfig } from './config/schema/root.ts';
import { readSecret } from './config/secret.ts';
import { buildTags } from './config/tags.ts';
import { FileZoneStore } from './config/zones/file-zone-store.ts';
import { LiveZoneStore } from './config/zones/live-zone-store.ts';
import type { CameraView } from './core/camera-view.ts';
import { type Clock, type SyncProbe, SystemClock } from './core/clock.ts';
import { CommandTable } from './core/commands.ts';
import type { Component, Source } from './core/component.ts';
import { controlPath } from './core/control-path.ts';
import { describeError } from './core/errors.ts';
import type { Log } from './core/log.ts';
import type { AnomalyEvent, Emit, Tag } from './core/messages.ts';
import type { NodeStatus } from './core/status.ts';
import { millis } from './core/units.ts';
import type { ZoneStore } from './core/zone-store.ts';
import { type FirstBootReport, firstBootComponent } from './first-boot/report.ts';
import { VigieNode } from './node.ts';
import { Analysis } from './pipeline/analysis/analysis.ts';
import type { Detector } from './pipeline/anomaly/detector.ts';
import { createDetectors } from './pipeline/anomaly/standard-set.ts';
import {
  isFromFile,
  loadTreeModel,
  type TreeModel,
  TreeModelDetector,
} from './pipeline/anomaly/tree-model.ts';
import { selfReports } from './self-reports.ts';
import { ControlSocket } from './sinks/control/control-socket.ts';
import { Dashboard } from './sinks/dashboard/dashboard.ts';
import { topicsFile } from './sinks/home-assistant/topics-file.ts';
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
import { SourceProgress } from './supervisor/source-progress.ts';
import { Supervisor } from './supervisor/supervisor.ts';
import { RECORD_NAME, SYSTEM_FOLDER } from './system/place.ts';
import type { SystemReportOptions } from './system/report.ts';
import { tagWriteCommand } from './tag-write.ts';
import type { BundlesParts } from './updates/bundles.ts';

export interface WireOptions {
  readonly running: RunnableConfig;
  /** The file that it comes from: the node's own, or one that came as an update. */
  readonly configFile: string;
  /** Reads the configuration file again, for a reload. */
  readonly loadConfig: () => Promise<RunnableConfig>;
  readonly dataDir: string;
  readonly version: string;
  readonly log: Log;
  /** What came as an update in place of the configuration file. */
  readonly pushed: PushedConfiguration;
  /** What first boot said of the machine; absent where nothing was flashed. */
  readonly firstBoot?: FirstBootReport | undefined;
  /** Ends the node and starts it again in the same process; returns at once. */
  readonly restart: (reason: string) => void;
  /** Parts that only this start of the node has. */
  readonly extra?: readonly Component[];
}

/** What every source, stage and sink is given. */
interface Spine {
  readonly clock: Clock;
  readonly log: Log;
  readonly registry: Registry;
}

export async function wire(options: WireOptions): Promise<VigieNode> {
  const { running: loaded, loadConfig, dataDir, version, log } = options;
  const { config } = loaded;
  const { site, name: node } = config.node;
  const { models, problems } = await usableModels(config);
  const running = withProblems(loaded, problems);
  const clock = new SystemClock(syncProbe(log));
  const device = { profile: loaded.device.profile.name, board: loaded.device.board };
  const registry = createRegistry({ site, node, version, device });
  const spine: Spine = { clock, log, registry };
  const tags = buildTags(config);
  const commands = new CommandTable();
  const describe = statusOf({ site, node, version }, clock);
  // Asked once everything below is joined.
  const status = () => describe({ outbox, supervisor, analysis, vigie, bundles });
  const activeAnomalies = () => analysis.active();

  // Filled below: cameras need the outbox, and the dashboard looks when it starts.
  const views: CameraView[] = [];
  const zones = new LiveZoneStore(zoneStore(options), () => vigie.reload());
  const sinkParts = { ...spine, cameras: views, zones, site, node, tags, commands, status, activeAnomalies };
  const out = createSinks(config, dataDir, sinkParts);
  const { outbox, accept, readings, dashboard, sparkplug } = out;
  registerNodeMetrics({ registry, status });
  const bundles = await createBundles({ ...options, ...spine, accept, link: out.mqtt?.updates, status });

  // The pipeline.
  const analysis = new Analysis({
    ...spine,
    config: config.anomaly,
    tags,
    ...detectorsOf(config, models, bundles?.detectors),
    accept,
    directory: dataDir,
    idPrefix: outbox.bootId,
    onEvent: (event, stamp) => dashboard.acceptEvent(event, stamp),
  });

  // Sources: every sample goes to the analysis first, then to whoever shows or keeps it.
  const progress = new SourceProgress(config.sources.map(ticking(tags)), clock.mono());
  const emit: Emit = (samples) => {
    for (const taker of takers) taker.accept(samples);
    progress.tick(samples, clock.mono());
  };
  const takers = [analysis, readings, out.tagMetrics, dashboard, ...(sparkplug ? [sparkplug] : [])];
  const parts: SourceParts = { ...spine, tags: new Map(tags.map((tag) => [tag.name, tag])), emit };
  const { sources, makeSource } = createSources(config, parts);
  const own = [...analysis.commands(), tagWriteCommand(tags, sources), ...(bundles?.commands ?? [])];
  for (const command of own) commands.add(command);
  const cameraParts = { ...options, ...spine, accept, idPrefix: outbox.bootId, models: bundles?.models };
  const cameras = await createCameras(cameraParts);
  views.push(...(cameras?.views ?? []));

  const local = new CommandTable();
  for (const command of [...(bundles?.localCommands ?? []), ...selfReports(status, registry)])
    local.add(command);
  const control = new ControlSocket({ path: controlPath(dataDir), tables: [local, commands], log });

  const homeAssistant = await createHomeAssistant(config, dataDir, out.mqtt, { ...sinkParts, version });
  const firstBoot = options.firstBoot && firstBootComponent(options.firstBoot);
  const outward = [
    out.mqtt,
    homeAssistant,
    sparkplug,
    dashboard,
    control,
    bundles?.updates,
    firstBoot,
    await createSystemReport({ dataDir, accept, clock, log }),
  ].filter((sink) => sink !== undefined);
  const supervisor = new Supervisor({
    components: [
      outbox,
      readings,
      analysis,
      ...sources.values(),
      ...(cameras?.components ?? []),
      ...outward,
      ...(options.extra ?? []),
    ],
    clock,
    log,
    // The outbox counts and reports what it refuses.
    onHealthChange: (change) => void accept(healthRecord(change, clock.stamp())).catch(() => {}),
  });
  // Models are loaded at the start alone: what is wrong with one stays so over a reload.
  const loadAgain = async () => withProblems(await loadConfig(), problems);
  const configureCameras = (changed: readonly CameraConfig[]) => cameras?.configure(changed);
  const watching = (cameras?.components ?? [])
    .map(({ name }) => name)
    .filter((name) => name.startsWith('vision-'));
  const vigie: VigieNode = new VigieNode(
    {
      supervisor,
      log,
      loadConfig: loadAgain,
      status,
      makeSource,
      configureCameras,
      progress,
      stuck: outbox.stuck,
      tags: tags.length,
      cameras: watching,
    },
    running,
  );
  return vigie;
}

/** How often a source is due; a recording may end. */
function ticking(tags: readonly Tag[]) {
  return ({ type, name }: SourceConfig) => {
    const periods = tags.filter(({ source }) => source === name).map(({ period }) => period);
    return { name, period: type === 'replay' ? undefined : millis(Math.min(...periods)) };
  };
}

interface Joined {
  readonly outbox: Outbox;
  readonly supervisor: Supervisor;
  readonly analysis: Analysis;
  readonly vigie: VigieNode;
  readonly bundles: Bundles | undefined;
}

/** What the node says of itself, from its parts. */
function statusOf(who: Pick<NodeStatus, 'site' | 'node' | 'version'>, clock: Clock) {
  const began = clock.mono();
  return ({ outbox, supervisor, analysis, vigie, bundles }: Joined): NodeStatus => ({
    ...who,
    bootId: outbox.bootId,
    uptime: millis(clock.mono() - began),
    timeQuality: clock.timeQuality(),
    health: supervisor.health(),
    components: supervisor.components(),
    outbox: outbox.depth(),
    baselines: analysis.status(),
    models: bundles?.updates.status() ?? {},
    config: vigie.configStatus,
  });
}

/** What came as an update is changed where it came from: here the next update would take it back. */
function zoneStore({ configFile, pushed }: WireOptions): ZoneStore {
  const why = 'the configuration came as an update over the broker; change it where updates are made';
  return new FileZoneStore(configFile, pushed.isSource(configFile) ? why : undefined);
}

interface SinkParts extends Spine {
  readonly cameras: readonly CameraView[];
  readonly zones: ZoneStore;
  readonly site: string;
  readonly node: string;
  readonly tags: readonly Tag[];
  readonly commands: CommandTable;
  /** This and the next are asked once everything is joined. */
  readonly status: () => NodeStatus;
  readonly activeAnomalies: () => readonly AnomalyEvent[];
}

/** From the queue on disk to the broker and the page that shows it. */
function createSinks(config: Config, dataDir: string, parts: SinkParts) {
  const outbox = new Outbox({ ...parts, directory: dataDir, config: config.outbox });
  const accept = outbox.accept.bind(outbox);
  const readings = new ReadingsBatcher({ ...parts, accept, config: config.outbox.readings });
  const dashboard = new Dashboard({ ...parts, config: config.http, readSecret });
  const broker = { ...parts, bootId: outbox.bootId, queue: outbox, dataDir, readSecret };
  const mqtt = config.mqtt && new MqttSink({ ...broker, config: config.mqtt });
  const { metrics } = mqtt ?? {};
  const sparkplug =
    config.mqtt?.sparkplug && metrics && new SparkplugPublisher({ ...broker, config: config.mqtt, metrics });
  const tagMetrics = new TagMetrics(parts);
  return { outbox, accept, readings, dashboard, mqtt, sparkplug, tagMetrics };
}

type Bundles = Awaited<ReturnType<typeof import('./updates/bundles.ts').createBundles>>;

/** Nodes without updates load none of it. */
async function createBundles(parts: BundlesParts): Promise<Bundles | undefined> {
  if (!parts.running.config.ota?.enabled) return undefined;
  const { createBundles: create } = await import('./updates/bundles.ts');
  return create(parts);
}

/** Nodes without cameras load none of it. */
async function createCameras(parts: CamerasParts): Promise<Cameras | undefined> {
  if (parts.running.config.cameras.length === 0) return undefined;
  const { createCameras: create } = await import('./cameras/cameras.ts');
  return create(parts);
}

/** Also where it was turned off, until what the broker retains of it is cleared. */
async function createHomeAssistant(
  { mqtt, cameras: configs }: Config,
  directory: string,
  sink: MqttSink | undefined,
  { site, node, version, cameras, log }: SinkParts & { readonly version: string },
): Promise<Component | undefined> {
  const wanted = mqtt?.homeAssistant;
  if (!sink || (!wanted && !existsSync(topicsFile(directory)))) return undefined;
  const { HomeAssistant } = await import('./sinks/home-assistant/home-assistant.ts');
  const sent = configs.filter(({ snapshots }) => snapshots.mqtt).map(({ name }) => name);
  const facts = wanted && { site, node, version, discovery: wanted.prefix };
  return new HomeAssistant({ facts, cameras, pictures: new Set(sent), link: sink.updates, directory, log });
}

/** Nodes that were not flashed from an image have no second system to tell of. */
async function createSystemReport(
  parts: Omit<SystemReportOptions, 'record'>,
): Promise<Component | undefined> {
  if (!existsSync(SYSTEM_FOLDER)) return undefined;
  const { SystemReport } = await import('./system/report.ts');
  return new SystemReport({ ...parts, record: join(SYSTEM_FOLDER, RECORD_NAME) });
}

/** The standard set for each group, and the models configured for it. */
function detectorsOf({ anomaly }: Config, models: readonly TreeModel[], bundled?: Bundles['detectors']) {
  return {
    createDetectors: (columns: readonly Tag[]): Detector[] => {
      const own = models.filter(({ config }) => config.group === columns[0]?.group);
      const standard = createDetectors(columns, { detectors: anomaly.detectors });
      const trees = own.map((model) => new TreeModelDetector(model, columns));
      return [...standard, ...trees, ...(bundled?.(columns) ?? [])];
    },
    createUnfitted: (columns: readonly Tag[]): Detector[] =>
      (bundled?.(columns) ?? []).map((detector) => detector.useUnfitted()),
  };
}

/** A model that cannot be used is left out and reported like a wrong device. */
async function usableModels({ anomaly }: Config): Promise<{ models: TreeModel[]; problems: string[] }> {
  if (anomaly.models.length === 0) return { models: [], problems: [] };
  const results = await Promise.allSettled(anomaly.models.filter(isFromFile).map(loadTreeModel));
  return {
    models: results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : [])),
    problems: results.flatMap((result) =>
      result.status === 'rejected' ? [describeError(result.reason)] : [],
    ),
  };
}

function withProblems(running: RunnableConfig, problems: readonly string[]): RunnableConfig {
  if (problems.length === 0) return running;
  const state = running.state === 'ok' ? 'quarantine' : running.state;
  return { ...running, state, problems: [...running.problems, ...problems] };
}

interface SourceParts extends Spine {
  readonly tags: ReadonlyMap<string, Tag>;
  readonly emit: Emit;
}

/** Sources by name; a reload puts another one in the place of an old one. */
function createSources(config: Config, parts: SourceParts) {
  const sources = new Map(config.sources.map((source) => [source.name, createSource(source, parts)]));
  const makeSource = (source: SourceConfig): Source => {
    const next = createSource(source, parts);
    sources.set(source.name, next);
    return next;
  };
  return { sources, makeSource };
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

/** All that watches cameras in a node (processes, scenes, pictures of events), without the rest of it. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Cameras, type CamerasParts, createCameras } from '../../runtime/cameras/cameras.ts';
import { loadProfile } from '../../runtime/config/device-profile/load.ts';
import type { RunnableConfig } from '../../runtime/config/last-known-good.ts';
import type { CameraConfig } from '../../runtime/config/schema/camera.ts';
import { snapshotsConfig } from '../../runtime/config/schema/snapshots.ts';
import type { Component } from '../../runtime/core/component.ts';
import type { DetectionEvent, OutboundRecord } from '../../runtime/core/messages.ts';
import type { CameraEvent } from '../../runtime/sources/camera/events.ts';
import { type TestSpine, testSpine } from './spine.ts';

export interface WatchedCameras extends Cameras {
  readonly spine: TestSpine;
  readonly dataDir: string;
  readonly records: OutboundRecord[];
  detections(): DetectionEvent[];
  /** `step reason` of what was done for cameras. */
  steps(): string[];
  component(name: string): Component;
  /** Sum of a counter's values with these labels. */
  counted(metric: string, labels: Readonly<Record<string, string>>): Promise<number>;
  stop(): Promise<void>;
}

export async function watchCameras(
  cameras: readonly CameraConfig[],
  parts: Partial<CamerasParts> = {},
  snapshots: object = {},
): Promise<WatchedCameras> {
  const dataDir = mkdtempSync(join(tmpdir(), 'vigie-watched-'));
  const spine = testSpine();
  const records: OutboundRecord[] = [];
  const config = { cameras, snapshots: snapshotsConfig.parse(snapshots) };
  const device = { profile: loadProfile('generic-x86-64') };
  const made = createCameras({
    ...spine,
    running: { config, device } as unknown as RunnableConfig,
    dataDir,
    idPrefix: 'boot',
    accept: async (record) => void records.push(record),
    ...parts,
  });
  for (const component of made.components) await component.start(new AbortController().signal);
  const bodies = (topic: string) =>
    records.filter((record) => record.topic === topic).map(({ body }) => body as unknown);
  return {
    ...made,
    spine,
    dataDir,
    records,
    detections: () => bodies('events/detection') as DetectionEvent[],
    steps: () => (bodies('events/camera') as CameraEvent[]).map(({ step, reason }) => `${step} ${reason}`),
    component: (name) => made.components.find((component) => component.name === name)!,
    counted: async (metric, labels) => {
      const { values } = await spine.registry.getSingleMetric(metric)!.get();
      const wanted = Object.entries(labels);
      return values
        .filter((value) =>
          wanted.every(([key, text]) => (value.labels as Record<string, unknown>)[key] === text),
        )
        .reduce((sum, { value }) => sum + value, 0);
    },
    stop: async () => {
      for (const component of [...made.components].reverse()) await component.stop();
      rmSync(dataDir, { recursive: true });
    },
  };
}

/** A dashboard over a made-up plant, on a free port. */

import type { CameraPagesConfig } from '../../../runtime/config/schema/http.ts';
import type { CameraView } from '../../../runtime/core/camera-view.ts';
import { CommandTable } from '../../../runtime/core/commands.ts';
import { createLog } from '../../../runtime/core/log.ts';
import type { AnomalyEvent, Sample, Tag } from '../../../runtime/core/messages.ts';
import type { NodeStatus } from '../../../runtime/core/status.ts';
import { bytes } from '../../../runtime/core/units.ts';
import type { ZoneStore } from '../../../runtime/core/zone-store.ts';
import { Dashboard, type DashboardOptions } from '../../../runtime/sinks/dashboard/dashboard.ts';
import { createRegistry } from '../../../runtime/sinks/metrics/registry.ts';
import { FakeClock, nodeStatus, plantTags } from '../plant.ts';

export interface Plant {
  readonly dashboard: Dashboard;
  readonly tags: readonly Tag[];
  readonly clock: FakeClock;
  readonly active: AnomalyEvent[];
  readonly ran: unknown[];
  status: NodeStatus;
  url(path: string): string;
  /** One reading of every tag; `shift` moves the values. */
  poll(shift?: number): void;
}

export interface PlantOptions {
  readonly tagCount?: number;
  readonly config?: Partial<DashboardOptions['config']>;
  readonly password?: () => string;
  readonly cameras?: readonly CameraView[];
  readonly zones?: ZoneStore;
}

export const CAMERA_PAGES: CameraPagesConfig = {
  viewers: 4,
  fps: 20,
  bandwidth: bytes(4 * 1024 * 1024),
  size: 640,
  quality: 75,
  editZones: true,
};

export function createPlant(options: PlantOptions = {}): Plant {
  const { tagCount = 16, config = {}, password = () => '', cameras = [], zones } = options;
  const tags = plantTags(tagCount);
  const clock = new FakeClock();
  const active: AnomalyEvent[] = [];
  const ran: unknown[] = [];
  const commands = new CommandTable();
  commands.add({
    name: 'baseline-refresh',
    description: 'Forget what is normal in a stage (or all) and learn it again.',
    run: async (args) => {
      ran.push(args);
      return { refreshed: true };
    },
  });
  const device = { profile: 'raspberry-pi-5', board: 'Raspberry Pi 5 Model B Rev 1.0' };
  const dashboard = new Dashboard({
    config: {
      enabled: true,
      host: '127.0.0.1',
      port: 0,
      username: 'vigie',
      cameras: CAMERA_PAGES,
      ...config,
    },
    tags,
    registry: createRegistry({ site: 'lyon', node: 'pi-1', version: '0.1.0', device }),
    status: () => plant.status,
    activeAnomalies: () => active,
    commands,
    clock,
    log: createLog('silent'),
    readSecret: password,
    cameras,
    ...(zones ? { zones } : {}),
  });
  const plant: Plant = {
    dashboard,
    tags,
    clock,
    active,
    ran,
    status: nodeStatus(),
    url: (path) => `http://127.0.0.1:${dashboard.port}${path}`,
    poll: (shift = 0) => dashboard.accept(tags.map((tag) => reading(tag, shift, clock))),
  };
  return plant;
}

export async function startPlant(options?: PlantOptions): Promise<Plant> {
  const plant = createPlant(options);
  await plant.dashboard.start(new AbortController().signal);
  return plant;
}

function reading(tag: Tag, shift: number, clock: FakeClock): Sample {
  const value = tag.kind === 'pump-state' ? shift % 2 === 0 : 10 + tag.index + Math.sin(shift + tag.index);
  return { ...clock.stamp(), tag, value, quality: 'good' };
}

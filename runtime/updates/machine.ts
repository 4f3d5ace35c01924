/** What models may use on this machine: from its device profile and what the machine says of itself. */

import { freemem } from 'node:os';
import { join } from 'node:path';
import type { NodeFacts } from '../../ota/bundle/requirements.ts';
import type { DeviceChoice } from '../config/device-profile/choose.ts';
import { readBoardFacts } from '../config/device-profile/facts.ts';
import { sessionLimits } from '../config/device-profile/session-limits.ts';
import type { ModelMachine } from '../pipeline/models/open-bundle.ts';

/** @param dataDir of the node: TensorRT's engines are kept in it. */
export function machineOf({ profile }: DeviceChoice, dataDir: string): ModelMachine {
  const { backends, precision, maxBatch, tensorrt } = profile.models;
  return {
    backends,
    precision,
    session: sessionLimits(profile, readBoardFacts()),
    ...(tensorrt && {
      tensorrt: { folder: join(dataDir, 'tensorrt'), maxBatch, workspaceBytes: tensorrt.workspace },
    }),
  };
}

/** What a bundle's requirements are held against. */
export function factsOf({ profile }: DeviceChoice, runtime: string): Omit<NodeFacts, 'diskBytes'> {
  return { runtime, board: profile.name, architecture: process.arch, ramBytes: freemem() };
}

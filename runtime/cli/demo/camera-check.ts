/** Whether the demo's camera gives frames, before a node is started that would try on and on. */

import { cameraConfig } from '../../config/schema/camera.ts';
import { DeviceError } from '../../core/errors.ts';
import { cameras } from '../doctor/cameras.ts';

/** @param camera as vigie.yaml has it. @throws DeviceError `camera-failed` with what is wrong, and the fix. */
export async function requireFrames(camera: object): Promise<void> {
  const [finding] = await cameras([cameraConfig.parse(camera)], undefined);
  if (finding?.state !== 'failure') return;
  const { detail, fix } = finding;
  throw new DeviceError('camera-failed', `--camera: ${detail}${fix ? `\n  ${fix}` : ''}`);
}

/** NVIDIA's camera daemon: on a Jetson all ribbon cameras go through it, and it may hang for good. */

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describeError } from '../../core/errors.ts';

const LIMIT_MS = 20_000;

/** @returns why it could not be restarted; undefined when it was. */
export async function restartArgus(): Promise<string | undefined> {
  try {
    await promisify(execFile)('systemctl', ['restart', 'nvargus-daemon.service'], { timeout: LIMIT_MS });
    return undefined;
  } catch (error) {
    return describeError(error);
  }
}

/** One serial line, opened by its stable name: the name is followed at each open, wherever it leads by then. */

import { statSync } from 'node:fs';
import type { SerialLine } from '../../config/schema/port.ts';
import { DeviceError } from '../../core/errors.ts';
import { explainOpenFailure } from './diagnose.ts';

export interface SerialEvents {
  data(chunk: Buffer): void;
  /** The device is gone (unplugged, driver error). Called once, not after close(). */
  lost(cause: DeviceError): void;
}

export interface SerialHandle {
  write(data: Buffer): void;
  /** Idempotent. */
  close(): Promise<void>;
}

/**
 * serialport 13 misses a hang-up that falls between its read and its poll: it then reads nothing, for ever and at full
 * speed (`unixRead` calls itself after zero bytes). The device node tells the truth.
 */
const LOOK_EVERY_MS = 2000;

/**
 * @throws DeviceError `serial-missing`, `serial-permission`, `serial-busy` or `serial-open`, all retryable: cables
 * and rights are put right while the node runs.
 */
export async function openSerialPort(line: SerialLine, events: SerialEvents): Promise<SerialHandle> {
  const { SerialPort } = await import('serialport');
  const port = new SerialPort({ ...line, autoOpen: false, lock: true });
  const refused = await new Promise<Error | null>((resolve) => port.open(resolve));
  // Not in the callback: looking at a device that just goes away may throw, and there it would end the process.
  if (refused) throw explainOpenFailure(line.path, refused);
  const opened = nodeAt(line.path);
  let done = false;
  const lose = (cause: unknown) => {
    if (done) return;
    done = true;
    clearInterval(watch);
    if (port.isOpen) port.close(() => {});
    events.lost(
      new DeviceError('serial-lost', `serial port ${line.path} is gone (unplugged?)`, {
        cause: cause ?? undefined,
        retryable: true,
        facts: { path: line.path },
      }),
    );
  };
  const watch = setInterval(() => {
    if (nodeAt(line.path) !== opened) lose(undefined);
  }, LOOK_EVERY_MS);
  port.on('data', events.data);
  port.on('error', lose);
  port.on('close', lose);
  // A line whose far side vanished can also just end.
  port.on('end', () => lose(undefined));
  return {
    write: (data) => {
      if (!done) port.write(data);
    },
    close: () => {
      done = true;
      clearInterval(watch);
      return new Promise((resolve) => (port.isOpen ? port.close(() => resolve()) : resolve()));
    },
  };
}

/** Identity of the device node that a path leads to now; a device that is plugged in again gets a new one. */
function nodeAt(path: string): string | undefined {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat && `${stat.dev} ${stat.ino} ${stat.rdev} ${stat.ctimeMs}`;
}

/** What the board says of its heat: small readers behind the root of a file system, and parsers of tools' text. */

import { closeSync, fstatSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import type { Celsius } from '../../../core/units.ts';

export interface ZoneTemperature {
  /** Of the zone's `type` file, or the name in a tegrastats line. */
  readonly type: string;
  readonly temperature: Celsius;
}

/** Of the Raspberry Pi's firmware. */
export interface Throttled {
  readonly underVoltage: boolean;
  /** The clock is held below what was asked for. */
  readonly frequencyCapped: boolean;
  readonly throttled: boolean;
  readonly softTemperatureLimit: boolean;
}

/** A sensor that is off or broken says impossible things. */
const plausible = (degrees: number) => degrees > -60 && degrees < 200;

/** All zones of /sys/class/thermal that can be read; none where there are none. @param root of the file system. */
export function readThermalZones(root = '/'): ZoneTemperature[] {
  const folder = join(root, 'sys/class/thermal');
  return names(folder)
    .filter((name) => /^thermal_zone\d+$/.test(name))
    .flatMap((name) => {
      const type = text(join(folder, name, 'type'));
      const degrees = Number(text(join(folder, name, 'temp')) ?? Number.NaN) / 1000;
      return type && plausible(degrees) ? [{ type, temperature: degrees as Celsius }] : [];
    });
}

/** The firmware's word on throttling, where the kernel shows it. */
export function readThrottled(root = '/'): Throttled | undefined {
  const found = text(join(root, 'sys/devices/platform/soc/soc:firmware/get_throttled'));
  return found === undefined ? undefined : parseThrottled(found);
}

/** `throttled=0x50005` as `vcgencmd get_throttled` prints it, or the bare hexadecimal number of the kernel's file. */
export function parseThrottled(output: string): Throttled | undefined {
  const match = /^(?:throttled=)?(?:0x)?([0-9a-f]{1,8})$/i.exec(output.trim());
  if (!match) return undefined;
  const bits = Number.parseInt(match[1]!, 16);
  // Bits 16 to 19 say the same of the time since the board started, which is no reason to slow down now.
  const bit = (position: number) => ((bits >>> position) & 1) === 1;
  return {
    underVoltage: bit(0),
    frequencyCapped: bit(1),
    throttled: bit(2),
    softTemperatureLimit: bit(3),
  };
}

/** Temperatures of one line of NVIDIA's tegrastats: `… CPU@46.5C GPU@44C thermal@45.2C …`. */
export function parseTegrastats(line: string): ZoneTemperature[] {
  return [...line.slice(0, 4096).matchAll(/([A-Za-z][\w-]{0,40})@(-?\d{1,4}(?:\.\d{1,6})?)C\b/g)].flatMap(
    ([, type, degrees]) =>
      plausible(Number(degrees)) ? [{ type: type!, temperature: Number(degrees) as Celsius }] : [],
  );
}

/** Longer than any line of tegrastats. */
const TAIL_BYTES = 4096;

export interface LastLine {
  readonly text: string;
  /** When the file was written last, milliseconds since 1970. */
  readonly writtenAt: number;
}

/** Of a file that grows; undefined where there is none, or no whole line in it. */
export function readLastLine(path: string): LastLine | undefined {
  let fd: number | undefined;
  try {
    fd = openSync(path, 'r');
    const { size, mtimeMs } = fstatSync(fd);
    const tail = Buffer.alloc(Math.min(size, TAIL_BYTES));
    const read = readSync(fd, tail, 0, tail.length, size - tail.length);
    // What follows the last line break is still being written.
    const text = tail.toString('utf8', 0, read).split('\n').at(-2);
    return text === undefined ? undefined : { text, writtenAt: mtimeMs };
  } catch {
    return undefined;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

function names(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

/** A zone may vanish, or answer with an error while its driver sleeps. */
function text(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim() || undefined;
  } catch {
    return undefined;
  }
}

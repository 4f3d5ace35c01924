/** By what a board is known again: its serial number and the addresses of its network devices. Never fails. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Hardware {
  /** Of the board, where it has one that the system can read. */
  readonly serial?: string;
  /** Of devices that are soldered or plugged in, not of bridges; sorted. */
  readonly macs: readonly string[];
}

/** @param root of the file system; another one for tests. */
export function readHardware(root = '/'): Hardware {
  const serial = readFirst(root, [
    'proc/device-tree/serial-number',
    'sys/firmware/devicetree/base/serial-number',
    'sys/class/dmi/id/product_uuid',
  ]);
  return { ...(serial === undefined ? {} : { serial }), macs: readMacs(join(root, 'sys/class/net')) };
}

/** The serial number decides; without one, any address in common does: a USB adapter may have been pulled. */
export function isSameHardware(before: Hardware, now: Hardware): boolean {
  if (before.serial !== undefined && now.serial !== undefined) return before.serial === now.serial;
  if (before.macs.length === 0 || now.macs.length === 0) return true;
  return now.macs.some((mac) => before.macs.includes(mac));
}

export function describeHardware({ serial, macs }: Hardware): string {
  const parts = [...(serial === undefined ? [] : [`serial number ${serial}`]), ...macs.slice(0, 2)];
  return parts.length > 0 ? parts.join(', ') : 'a board without serial number';
}

function readFirst(root: string, paths: readonly string[]): string | undefined {
  for (const path of paths) {
    // Of a device tree, with a zero byte at its end.
    const text = read(join(root, path))?.replaceAll('\0', '').trim();
    // What boards say that were never given one.
    if (text && /[1-9a-f]/i.test(text) && !/^(none|not specified|default string|to be filled.*)$/i.test(text))
      return text;
  }
  return undefined;
}

function readMacs(folder: string): string[] {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    return [];
  }
  const macs = names.flatMap((name) => {
    // 0: given by the manufacturer, neither random nor taken from another device.
    const permanent = read(join(folder, name, 'addr_assign_type'))?.trim() === '0';
    const isDevice = read(join(folder, name, 'device', 'uevent')) !== undefined;
    const mac = read(join(folder, name, 'address'))?.trim();
    return permanent && isDevice && mac && mac !== '00:00:00:00:00:00' ? [mac] : [];
  });
  return [...new Set(macs)].sort();
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** What the machine says of itself. Reads a handful of files that every user may read; never fails. */

import { readFileSync } from 'node:fs';
import { arch, availableParallelism, totalmem } from 'node:os';
import { join } from 'node:path';
import { type Bytes, bytes } from '../../core/units.ts';

export interface BoardFacts {
  /** As Node.js names it: arm64, x64. */
  readonly architecture: string;
  readonly cores: number;
  /** Of the machine, or less where a container is held to less. */
  readonly memory: Bytes;
  /** /proc/device-tree/model: `Raspberry Pi 4 Model B Rev 1.5`. */
  readonly model?: string;
  /** /proc/device-tree/compatible, the most specific entry first. */
  readonly compatible: readonly string[];
  /** /sys/class/dmi/id: PCs, and Jetsons that start through UEFI. */
  readonly dmi?: { readonly vendor: string; readonly product: string };
  /** /etc/nv_tegra_release: `R35.4.1` and the BOARD it was built for. */
  readonly tegra?: { readonly release: string; readonly board: string };
}

/** @param root of the file system; another one for tests. */
export function readBoardFacts(root = '/'): BoardFacts {
  const read = (path: string) => readText(join(root, path));
  const inTree = (name: string) =>
    read(`proc/device-tree/${name}`) ?? read(`sys/firmware/devicetree/base/${name}`);
  const model = strings(inTree('model') ?? '')[0];
  const product = read('sys/class/dmi/id/product_name')?.trim();
  const vendor = read('sys/class/dmi/id/sys_vendor')?.trim() ?? '';
  const tegra = parseTegraRelease(read('etc/nv_tegra_release') ?? '');
  const held = process.constrainedMemory();
  return {
    architecture: arch(),
    cores: availableParallelism(),
    memory: bytes(held > 0 ? Math.min(held, totalmem()) : totalmem()),
    compatible: strings(inTree('compatible') ?? ''),
    ...(model ? { model } : {}),
    ...(product ? { dmi: { vendor, product } } : {}),
    ...(tegra ? { tegra } : {}),
  };
}

/** The name to show to people. */
export function boardName({ model, dmi, tegra, architecture }: BoardFacts): string {
  if (model) return model;
  if (dmi) return dmi.product.startsWith(dmi.vendor) ? dmi.product : `${dmi.vendor} ${dmi.product}`;
  return tegra ? `a Jetson (Jetson Linux ${tegra.release})` : `an unnamed ${architecture} machine`;
}

/** `# R35 (release), REVISION: 4.1, GCID: 33958178, BOARD: t186ref, …` */
function parseTegraRelease(text: string): BoardFacts['tegra'] {
  const match = /^# R(\d+) \(release\), REVISION: ([\d.]+).*?\bBOARD: (\w+)/m.exec(text);
  return match ? { release: `R${match[1]}.${match[2]}`, board: match[3]! } : undefined;
}

/** Device tree texts end in a zero byte each. */
const strings = (text: string) => text.split('\0').flatMap((part) => part.trim() || []);

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** Readings of 127 sensors, an anomaly, and what both cost: memory, and bytes on the card. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { AnomalyEvent } from '../../../runtime/core/messages.ts';
import { GROUP } from '../world.ts';
import { expect, hear, PATIENCE, reconfigure, type Step } from './context.ts';

const SENSORS = 127;
/** Minutes differ: anomalies, and what the file system puts off. Over an hour that evens out. */
const WINDOWS = 15;
const WINDOW_MINUTES = 5;
const SETTLE_MS = 120_000;
const SECTOR_BYTES = 512;
const SECTORS =
  "awk -v d=$(basename $(readlink -f /dev/disk/by-partlabel/data)) '$3==d {print $10}' /proc/diskstats";
/** Each with its size; then what the journal of the file system did. */
const WRITTEN =
  "find /data -xdev -newer /run/writes-began -type f -printf '%p %s, '; awk '/handled|logged blocks/' /proc/fs/jbd2/*/info || true";
const DAY_S = 86_400;

export const readings: Step = async (context) => {
  const { world, guest, note } = context;
  const tags = new Set<string>();
  const since = world.ears.messages.length;
  await hear(
    context,
    'readings',
    ({ series }) => {
      for (const { tag } of series) tags.add(tag);
      return tags.size === SENSORS;
    },
    since,
  );
  note(`readings of ${tags.size} sensors reached the broker`);
  note(await memory(guest));
};

/** What the service holds, MB; its main process, and all of its control group. */
async function memory(guest: { run(command: string): Promise<string> }): Promise<string> {
  const text = await guest.run(
    'grep VmRSS /proc/$(systemctl show -P MainPID vigie.service)/status; systemctl show -P MemoryCurrent vigie.service',
  );
  const [, rss, group] = /VmRSS:\s*(\d+) kB\n(\d+)/.exec(text) ?? [];
  return `resident ${(Number(rss) / 1024).toFixed(1)} MB, with caches and children ${(Number(group) / 2 ** 20).toFixed(1)} MB`;
}

export const anomaly: Step = async (context) => {
  const { world, note } = context;
  note('the plant is learned …');
  // From the first message on: the status is told again only when it changes.
  const learned = ({ baselines }: { baselines?: Record<string, string> }) =>
    baselines?.[GROUP] !== undefined && baselines[GROUP] !== 'learning';
  const { baselines } = await hear(context, 'status', learned, 0);
  expect(baselines[GROUP] === 'ready', `the baseline of ${GROUP} is ${baselines[GROUP]}`);
  const since = world.ears.messages.length;
  world.tellPlant('fault dead pre-flow 10min');
  // A group that learned for so short may be in alarm already: then the fault is news of that episode.
  const blamed = ({ phase, contributions }: AnomalyEvent) =>
    phase !== 'end' && contributions.some(({ tag }) => tag === 'pre-flow');
  const event = await hear(context, 'events/anomaly', blamed, since);
  note(`event: ${event.summary}`);
  world.tellPlant('clear');
  note(await memory(context.guest));
};

/**
 * As the kernel counts them for the partition, journal and metadata of the file system included. With the outbox as it
 * is by default, once what a start writes has been written.
 */
export const writes: Step = async (context) => {
  const { guest, note } = context;
  await reconfigure(context, { outbox: undefined });
  await sleep(SETTLE_MS);
  const sectors = async (first = '') => Number(await guest.run(first + SECTORS, PATIENCE));
  const aDay = (count: number, since: number) =>
    `${((count * SECTOR_BYTES * DAY_S * 1000) / (performance.now() - since) / 1e6).toFixed(1)} MB a day`;
  const before = await sectors('sync; ');
  await guest.run('touch /run/writes-began');
  const began = performance.now();
  for (let window = 0, last = before; window < WINDOWS; window++) {
    const since = performance.now();
    await sleep(WINDOW_MINUTES * 60_000);
    const now = await sectors();
    note(`minute ${(window + 1) * WINDOW_MINUTES}: at a rate of ${aDay(now - last, since)}`);
    last = now;
  }
  const written = (await sectors('sync; ')) - before;
  note(
    `${(written * SECTOR_BYTES) / 1024} KiB to the data partition in ${WINDOWS * WINDOW_MINUTES} minutes: ${aDay(written, began)}`,
  );
  note(`files written: ${await guest.run(WRITTEN, PATIENCE)}`);
};

/** Readings of 127 sensors, an anomaly, and what both cost: memory, and bytes on the card. */

import { setTimeout as sleep } from 'node:timers/promises';
import { expect, hear, PATIENCE, reconfigure, type Step } from './context.ts';

const SENSORS = 127;
/** Behind which the shares of a day are guessed. */
const WATCH_MS = 300_000;
const SETTLE_MS = 120_000;
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
  await hear(context, 'readings', () => true);
  note('the plant is learned for 100 s …');
  await sleep(120_000);
  const since = world.ears.messages.length;
  world.tellPlant('fault dead pre-flow 10min');
  const event = await hear(context, 'events/anomaly', ({ phase }) => phase === 'start', since);
  expect(event.contributions.length > 0, 'the event explains nothing');
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
  const sectors = async () =>
    Number(
      await guest.run(
        "sync; awk -v d=$(basename $(readlink -f /dev/disk/by-partlabel/data)) '$3==d {print $10}' /proc/diskstats",
        PATIENCE,
      ),
    );
  const before = await sectors();
  await guest.run('touch /run/writes-began');
  const began = performance.now();
  await sleep(WATCH_MS);
  const bytes = ((await sectors()) - before) * 512;
  const seconds = (performance.now() - began) / 1000;
  note(
    `${(bytes / 1024).toFixed(0)} KiB to the data partition in ${seconds.toFixed(0)} s: ${(((bytes / seconds) * DAY_S) / 1e6).toFixed(1)} MB a day`,
  );
  note(`files written: ${await guest.run(WRITTEN, PATIENCE)}`);
};

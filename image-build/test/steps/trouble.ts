/** What a person does wrong, and what a card does: each ends in a node that can be reached and says what it is. */

import { execFileSync } from 'node:child_process';
import { expect, hear, type Step } from './context.ts';
import { nothingFailed } from './start.ts';

export const diskFull: Step = async (context) => {
  const { guest, world, note } = context;
  const since = world.ears.messages.length;
  await guest.run(
    'dd if=/dev/zero of=/data/ballast bs=1M 2>/dev/null; dd if=/dev/zero of=/data/ballast2 bs=4k 2>/dev/null; df /data | tail -n 1',
  );
  const { state, component, detail } = await hear(
    context,
    'events/health',
    ({ component, state }) => component === 'outbox' && state !== 'ok',
    since,
  );
  note(`data partition full: ${component} ${state}: ${detail}`);
  await hear(context, 'status', ({ state }) => state === 'online', since);
  await guest.run('systemctl is-active vigie.service; rm /data/ballast /data/ballast2');
  await hear(context, 'readings', () => true);
  note('room again: readings go on');
};

export const broken: Step = async (context) => {
  const { guest, world, note } = context;
  await guest.powerOff();
  guest.drop('vigie.yaml', 'node: { site: plant, name: guest }\nsourcs: []\n');
  const since = world.ears.messages.length;
  guest.boot();
  await hear(context, 'status', ({ state }) => state === 'online', since);
  await hear(context, 'readings', () => true, since);
  await nothingFailed(context);
  await guest.run('umount /boot/vigie 2>/dev/null; sync');
  const said = guest.look('vigie-error.txt');
  expect(said?.includes('vigie.yaml:2:1'), `vigie-error.txt does not name the place; it says: ${said}`);
  note(`broken vigie.yaml: the node runs on what it had, and the card says: ${said!.trim().split('\n')[0]}`);
};

/** The table of partitions without its last entry, as after a wrong move with a partition editor. */
export const noData: Step = async (context) => {
  const { guest, note } = context;
  await guest.powerOff();
  execFileSync('sfdisk', ['--quiet', '--delete', guest.disk, '6']);
  guest.boot();
  const said = await guest.run(
    'cat /run/vigie-image/data-problem; systemctl is-system-running --wait || true',
    600_000,
  );
  expect(said.includes("'data'"), `nobody says that the data partition is missing: ${said}`);
  await guest.run('test -s /boot/vigie/vigie-data-problem.txt && umount /boot/vigie; sync');
  note(`no data partition: ${guest.look('vigie-data-problem.txt')?.trim().replaceAll(/\s+/g, ' ')}`);
};

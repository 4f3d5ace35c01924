/** The first start from a card on which somebody put vigie.yaml: ready, nothing failed, what is kept lies on `data`. */

import { expect, hear, type Step } from './context.ts';

export const start: Step = async (context) => {
  const { guest, world, note } = context;
  guest.drop('vigie.yaml', world.config());
  guest.dropFolder('files');
  guest.drop('files/root.json', world.foundFleet());
  const began = performance.now();
  guest.boot();
  await hear(context, 'status', ({ state }) => state === 'online', 0);
  note(`${seconds(performance.now() - began)} s from power to the node's word on the broker`);
  await ready(context);
  await nothingFailed(context);
  await layout(context);
  await closed(context);
  // They own serial ports, cameras and the GPU.
  await guest.run('for group in dialout video render; do id -nG vigie | grep -qw "$group" || exit 1; done');
};

/** READY by systemd's word, and what the start took. */
export const ready: Step = async ({ guest, note }) => {
  const state = await guest.run(
    'until systemctl is-active -q vigie.service; do sleep 1; done; systemctl show vigie.service -p ActiveEnterTimestampMonotonic,StatusText,NRestarts',
    600_000,
  );
  const at = /Monotonic=(\d+)/.exec(state)?.[1];
  note(
    `READY ${seconds(Number(at) / 1000)} s after the kernel began; ${state.split('\n').slice(0, 2).join(' ')}`,
  );
  note(
    await guest.run(
      'systemctl is-system-running --wait; systemd-analyze time; systemd-analyze blame | head -n 14 || true',
      600_000,
    ),
  );
};

export const nothingFailed: Step = async ({ guest }) => {
  const failed = await guest.run('systemctl --failed --no-legend --plain');
  expect(
    failed === '',
    `units failed:\n${failed}\n${await guest.run(`journalctl -b -p warning --no-pager | tail -n 40`)}`,
  );
};

const layout: Step = async ({ guest, note }) => {
  const root = await guest.run('findmnt -no FSTYPE,OPTIONS /run/vigie-image/root; findmnt -no FSTYPE /');
  expect(
    /^squashfs\s+ro\b[\s\S]*overlay$/.test(root),
    `the root is not a read-only squashfs below an overlay:\n${root}`,
  );
  const bytes = Number(await guest.run('findmnt -bno SIZE /data'));
  expect(bytes > 1_000_000_000, `/data has ${bytes} bytes: it did not grow to the end of the card`);
  await guest.run('cmp /etc/machine-id /data/etc/machine-id && grep -Eq "^[0-9a-f]{32}$" /etc/machine-id');
  await guest.run('for path in /var/lib/vigie /etc/vigie; do findmnt "$path" >/dev/null; done');
  await guest.run('[ ! -d /var/log/journal ] && swapon --show=NAME --noheadings | grep -q zram');
  note(await guest.run('df -h --output=target,size,used /data / | tail -n 2; free -m | sed -n 2p'));
};

/** No way in that nobody opened. */
const closed: Step = async ({ guest }) => {
  expect((await guest.run("awk -F: '$2 !~ /^[!*]/' /etc/shadow")) === '', 'somebody may log in by password');
  const listening = await guest.run('ss -Hltn | grep -E ":22\\b" || true');
  expect(listening === '', `SSH listens, though no key was given: ${listening}`);
};

const seconds = (ms: number) => (ms / 1000).toFixed(1);

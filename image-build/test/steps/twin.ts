/** A second card from the same image, in a machine whose clock says 1970: nothing of its identity is the first one's. */

import { SITE } from '../world.ts';
import { expect, hear, type Step } from './context.ts';

const SECOND = { clock: '1970-01-01T00:00:00', mac: '52:54:00:12:34:57' };
/** What may exist once in the world, by the file that holds it. */
const UNIQUE = {
  'machine-id': '/data/etc/machine-id',
  identity: '/data/first-boot/identity.json',
  'host name': '/etc/hostname',
};

export const twin: Step = async (context) => {
  const { guest, world, note } = context;
  const first = await identityOf(guest);
  await guest.powerOff();
  const second = context.flash('second', SECOND);
  try {
    second.drop(
      'vigie.yaml',
      world.config({ node: { site: SITE, name: 'twin' }, anomaly: undefined, ota: undefined }),
    );
    second.boot();
    const heard = { ...context, guest: second, node: 'twin' };
    const { series, timeQuality } = await hear(heard, 'readings', () => true, 0);
    expect(
      series.length > 0 && timeQuality === 'unsynced',
      `readings of a node without a clock are ${timeQuality}`,
    );
    const now = await second.run('date +%Y');
    note(`without a clock: readings arrive as ${timeQuality}; the system took the year ${now} for a start`);
    for (const [what, value] of Object.entries(await identityOf(second)))
      expect(value !== first[what], `two cards share their ${what}: ${value}`);
    note(`two cards of one image differ in ${Object.keys(first).join(', ')}`);
  } finally {
    await second.stop();
  }
};

async function identityOf(guest: { run(command: string): Promise<string> }): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const [what, file] of Object.entries(UNIQUE)) found[what] = await guest.run(`sha256sum <${file}`);
  return found;
}

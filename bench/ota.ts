/**
 * Signed updates: two releases that change places under a steady stream of rows; a running node that goes back from
 * releases that break their gate; content from a hub over a real mosquitto, to one node (in a process of its own: every
 * block hashed, on disk) and broadcast to fifty (each with a connection of its own); a link that loses, repeats and
 * reorders; what one installation writes; what a delta saves of int8 weights of which 18 % moved.
 */

import { atMost, type BenchOptions, type BenchResult, info, percentile } from './bench.ts';
import { flashWriteRatio } from './ota/install.ts';
import { measureRollback } from './ota/rollback.ts';
import { measureSwitch } from './ota/switching.ts';
import { broadcastTo, deltaRatio, fetchBytes, lossyRatio, MIB } from './ota/transfer.ts';

export const summary = 'signed updates: switch and rollback, transfer, broadcast, flash, delta';

const SMALL = 4 * MIB;
const LARGE = 100 * MIB;
const ROUNDS = 5;
const NODES = 50;
const CHANGED = 0.18;

export async function run({ progress }: BenchOptions): Promise<readonly BenchResult[]> {
  progress('two releases change places');
  const switching = await measureSwitch();
  progress('a node rolls back');
  const { times, reason } = await measureRollback();
  progress(`the node said: ${reason}`);
  progress('4 MiB, then 100 MiB, to one node');
  const small = await fetchBytes(SMALL, ROUNDS);
  const [large] = await fetchBytes(LARGE, 1);
  progress(`4 MiB to ${NODES} nodes`);
  const fleet = await broadcastTo(NODES, SMALL);
  progress('a bad link, the card, a delta');
  return [
    ...switching,
    atMost('rollback_ms', Math.max(...times), 'ms', 1000),
    atMost(
      'fetch_4mib_ms',
      percentile(
        small.map(({ ms }) => ms),
        0.5,
      ),
      'ms',
      100,
    ),
    info('fetch_100mib_ms', large!.ms, 'ms'),
    atMost('fetch_100mib_rss_mib', large!.rssAbove / MIB, 'MiB', 20),
    atMost('fetch_blocked_ms', Math.max(...[...small, large!].map(({ blocked }) => blocked)), 'ms', 50),
    atMost('broadcast_50_nodes_ms', fleet.ms, 'ms', 2000),
    atMost('hub_bytes_ratio', fleet.hubRatio, 'x', 1.1),
    atMost('lossy_bytes_ratio', await lossyRatio(SMALL), 'x', 1.3),
    atMost('flash_write_ratio', await flashWriteRatio(), 'x', 1.1),
    atMost('delta_ratio', await deltaRatio(CHANGED), 'x', 0.2),
  ];
}

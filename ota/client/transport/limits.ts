/** How a node fetches: what it may cost, and how long it waits for whom. */

import { type Millis, millis, minutes, seconds } from '../../../runtime/core/units.ts';
import type { DailyWindow } from './hours.ts';

export interface TransferLimits {
  /** Bytes that are asked for in a second; undefined: as fast as they come. What is broadcast comes unasked. */
  readonly bytesPerSecond: number | undefined;
  /** Blobs are fetched only then, by the node's local time; empty: always. Metadata is small and always fetched. */
  readonly hours: readonly DailyWindow[];
}

export const NO_LIMITS: TransferLimits = { bytesPerSecond: undefined, hours: [] };

export interface TransferTiming {
  /** Blocks on their way at once, at most. */
  readonly window: number;
  /** Requests for one block before it is given up. */
  readonly attempts: number;
  /** Before a request is sent again: follows the measured round trip between these two. */
  readonly shortestWait: Millis;
  readonly longestWait: Millis;
  /** Without one new block, or a connection, for so long a transfer ends. */
  readonly patience: Millis;
  /** A transfer that brings less than this, over `rateWindow`, is no transfer. */
  readonly leastBytesPerSecond: number;
  readonly rateWindow: Millis;
  /** After the last block of a broadcast before missing ones are asked for. */
  readonly broadcastQuiet: Millis;
  /** For the first block of a broadcast that was announced. */
  readonly announcedHold: Millis;
}

export const TIMING: TransferTiming = {
  window: 8,
  attempts: 6,
  shortestWait: millis(250),
  longestWait: seconds(20),
  patience: seconds(60),
  leastBytesPerSecond: 1024,
  rateWindow: minutes(2),
  broadcastQuiet: seconds(1),
  announcedHold: seconds(60),
};

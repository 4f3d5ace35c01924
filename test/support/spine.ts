/** What components are given, for tests: a real clock, a silent log that keeps its lines, a fresh registry. */

import { Registry } from 'prom-client';
import { type Clock, SystemClock } from '../../runtime/core/clock.ts';
import { createLog, type Log } from '../../runtime/core/log.ts';

export interface TestSpine {
  readonly clock: Clock;
  readonly log: Log;
  readonly registry: Registry;
  /** Log lines so far, parsed. */
  readonly lines: Record<string, unknown>[];
}

export function testSpine(): TestSpine {
  const lines: Record<string, unknown>[] = [];
  const log = createLog('trace', (line) => lines.push(JSON.parse(line)));
  return { clock: new SystemClock(() => true), log, registry: new Registry(), lines };
}

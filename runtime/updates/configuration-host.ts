/** What the update client asks of the node about its configuration (ota/client/host.ts). */

import type { ConfigurationHost } from '../../ota/client/host.ts';
import type { PushedConfiguration } from '../config/pushed/pushed.ts';
import type { Clock } from '../core/clock.ts';
import type { Health } from '../core/component.ts';
import type { Log } from '../core/log.ts';
import { seconds } from '../core/units.ts';

export interface ConfigurationHostOptions {
  readonly pushed: PushedConfiguration;
  readonly components: () => Readonly<Record<string, Health>>;
  /** Ends the node and starts it again on what is in place then; returns at once. */
  readonly restart: (reason: string) => void;
  readonly clock: Clock;
  readonly log: Log;
}

/** Devices and brokers need a while to answer after a start. */
const COMING_UP = seconds(15);

export function configurationHost(options: ConfigurationHostOptions): ConfigurationHost {
  const { pushed, components, restart, clock, log } = options;
  const began = clock.mono();
  const well = () =>
    Object.entries(components())
      .filter(([, { state }]) => state === 'ok')
      .map(([name]) => name);
  return {
    async apply(bytes) {
      if (!(await pushed.put(bytes, well()))) return;
      log.warn({ event: 'config.pushed' }, 'a pushed configuration is taken; the node starts again on it');
      restart('a pushed configuration');
    },
    trouble() {
      if (!pushed.onTrial) return pushed.wentBack;
      const up = clock.mono() - began > COMING_UP;
      const now = components();
      const ill = pushed.well.filter((name) => {
        const state = now[name]?.state;
        return state === 'failed' || (up && (state === 'degraded' || state === 'starting'));
      });
      if (ill.length === 0) return undefined;
      return `well before and no longer: ${ill.map((name) => `${name} (${now[name]!.detail})`).join(', ')}`;
    },
    keep: () => pushed.keep(),
    async rollBack(reason) {
      // It may have gone back by itself.
      if (!pushed.onTrial) return;
      pushed.goBack(reason);
      log.error({ event: 'config.rolled-back', reason }, `the configuration before runs again: ${reason}`);
      restart('back to the configuration before');
    },
  };
}

/** How a vision process is, from how its cameras are: the worst of them is told first, all failed is a failure. Pure. */

import type { Health, HealthState } from '../../core/component.ts';

/** @param parts health by camera. */
export function healthOf(parts: Readonly<Record<string, Health>>): Health {
  const of = (state: HealthState) => Object.keys(parts).filter((name) => parts[name]?.state === state);
  const [failed, degraded, starting] = [of('failed'), of('degraded'), of('starting')];
  const detail = [...failed, ...degraded, ...starting]
    .map((name) => `${name}: ${parts[name]?.detail}`)
    .join('; ');
  return { state: worst(), detail, parts };

  function worst(): HealthState {
    if (failed.length === Object.keys(parts).length) return 'failed';
    if (failed.length + degraded.length > 0) return 'degraded';
    return starting.length > 0 ? 'starting' : 'ok';
  }
}

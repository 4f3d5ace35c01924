/** What the commands of the simulator share: numbers from arguments, waiting for the end. */

import { UsageError } from '../../runtime/core/errors.ts';

export interface Bounds {
  readonly low: number;
  readonly high: number;
  readonly integer?: boolean;
}

export const PORT: Bounds = { low: 0, high: 65535, integer: true };

/** @throws UsageError naming the option and its bounds. */
export function numberOption(name: string, text: string, { low, high, integer = false }: Bounds): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (value >= low && value <= high && (!integer || Number.isInteger(value))) return value;
  const kind = integer ? 'a whole number' : 'a number';
  throw new UsageError('usage', `--${name} is '${text}'; expected ${kind} from ${low} to ${high}`);
}

/** Runs `parse`, turning what it finds wrong into a usage error. */
export function asUsage<T>(parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    throw cause instanceof Error ? new UsageError('usage', cause.message) : cause;
  }
}

/** Resolves at SIGTERM or SIGINT. `release` takes the handlers back, so that the process can end by itself. */
export function stopSignal(): { stopped: Promise<void>; release: () => void } {
  let release = () => {};
  const stopped = new Promise<void>((resolve) => {
    const stop = () => resolve();
    process.on('SIGTERM', stop).on('SIGINT', stop);
    release = () => process.off('SIGTERM', stop).off('SIGINT', stop);
  });
  return { stopped, release };
}

export function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

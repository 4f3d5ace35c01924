/**
 * Which of two systems starts, as a state machine of few words. Pure: the boot loaders' own files are in the adapters.
 *
 * The primary is the system that starts when nothing else is said. It was confirmed once, and nothing is ever written
 * over it. The other one is bad while it is written and after a failed trial; it becomes primary only by a trial that
 * was confirmed while it ran. So there is always one whole system to start, whenever the power goes.
 */

import { UpdateError } from '../core/errors.ts';

export type Slot = 'A' | 'B';
export const SLOTS: readonly Slot[] = ['A', 'B'];

export interface BootState {
  readonly primary: Slot;
  /** The other system, to be started next. `tries` may still be made of it: 0 while the last one runs, and after it. */
  readonly trial: { readonly slot: Slot; readonly tries: number } | null;
  /** The other system is half-written, or failed: it is not to be started. */
  readonly bad: Slot | null;
}

/** What the running system is to the boot state. */
export type Standing =
  /** The primary runs, nothing is on trial. */
  | 'stable'
  /** The primary runs, the other system starts next. */
  | 'pending'
  /** The other system runs, and has to be confirmed. */
  | 'on-trial'
  /** The primary runs again after a trial that nobody confirmed. */
  | 'trial-ended'
  /** The other system runs though nothing said so: by hand, or because the primary could not be loaded. */
  | 'astray';

/** Bounded, so that a file that somebody else wrote makes no endless trial. GRUB's script counts no further either. */
export const MOST_TRIES = 3;

export const other = (slot: Slot): Slot => (slot === 'A' ? 'B' : 'A');

export const isSlot = (text: unknown): text is Slot => text === 'A' || text === 'B';

/** A state in which every word agrees, from whatever a boot loader's files hold. */
export function consistent(state: BootState): BootState {
  const { primary, bad } = state;
  const trial = state.trial && state.trial.slot !== primary && state.trial.slot !== bad ? state.trial : null;
  const tries = Math.min(Math.max(Math.trunc(trial?.tries ?? 0) || 0, 0), MOST_TRIES);
  return { primary, trial: trial && { slot: trial.slot, tries }, bad: bad === primary ? null : bad };
}

export function standing({ primary, trial }: BootState, booted: Slot): Standing {
  if (booted !== primary) return trial ? 'on-trial' : 'astray';
  if (!trial) return 'stable';
  return trial.tries > 0 ? 'pending' : 'trial-ended';
}

/** What is started next: what RAUC calls the primary. */
export function next({ primary, trial }: BootState): Slot {
  return trial && trial.tries > 0 ? trial.slot : primary;
}

/** The slot is whole and starts next: on trial, unless it is the primary already, which calls a trial off. */
export function activate(state: BootState, slot: Slot, tries: number): BootState {
  if (slot === state.primary) return { ...state, trial: null };
  return consistent({ primary: state.primary, trial: { slot, tries }, bad: null });
}

/** @throws UpdateError `system-not-running`: nobody knows whether a system is good that does not run. */
export function markGood(state: BootState, slot: Slot, booted: Slot): BootState {
  if (slot !== booted) {
    throw new UpdateError(
      'system-not-running',
      `system ${slot} does not run: only the running one can be called good`,
    );
  }
  if (slot === state.primary) return state;
  return { primary: slot, trial: null, bad: null };
}

/**
 * The slot is about to be written, or is no good: it is not started any more.
 * @throws UpdateError `system-only-good` for the primary: without it nothing whole may be left.
 */
export function markBad(state: BootState, slot: Slot): BootState {
  if (slot === state.primary) {
    throw new UpdateError(
      'system-only-good',
      `system ${slot} is the one to fall back on; it is neither given up nor written over before the other one was confirmed`,
    );
  }
  return { primary: state.primary, trial: null, bad: slot };
}

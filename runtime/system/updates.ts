/**
 * System updates as a person and the units order them: install, roll back, confirm, and what a start finds. The boot
 * state decides what starts; the record beside it says why.
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { UpdateError } from '../core/errors.ts';
import {
  activate,
  type BootState,
  markBad,
  markGood,
  other,
  type Slot,
  type Standing,
  standing,
} from './boot-state.ts';
import type { Machine } from './machine.ts';
import { type Baseline, type Outcome, readRecord, type SystemRecord, writeRecord } from './record.ts';

export interface SystemStatus {
  readonly booted: Slot;
  readonly primary: Slot;
  readonly standing: Standing;
  readonly bootLoader: string;
  readonly compatible: string | null;
  readonly slots: readonly SlotStatus[];
  readonly trial: { readonly slot: Slot; readonly version: string | null; readonly triesLeft: number } | null;
  readonly last: Outcome | null;
}

export interface SlotStatus {
  readonly slot: Slot;
  /** Null when nobody wrote down what lies there. */
  readonly version: string | null;
  readonly state: 'good' | 'on-trial' | 'bad';
  readonly booted: boolean;
  readonly primary: boolean;
}

export function status(machine: Machine): SystemStatus {
  const { booted, chooser, compatible, paths } = machine;
  const state = chooser.read();
  const record = readRecord(paths.record);
  const { primary, trial, bad } = state;
  const slots = (['A', 'B'] as const).map((slot) => ({
    slot,
    version: slot === booted ? machine.version : (record.versions[slot] ?? null),
    state: slot === bad ? ('bad' as const) : slot === trial?.slot ? ('on-trial' as const) : ('good' as const),
    booted: slot === booted,
    primary: slot === primary,
  }));
  return {
    booted,
    primary,
    standing: standing(state, booted),
    bootLoader: chooser.name,
    compatible,
    slots,
    trial: trial && {
      slot: trial.slot,
      version: versionIn(machine, record, trial.slot),
      triesLeft: trial.tries,
    },
    last: record.last,
  };
}

/**
 * RAUC wrote the bundle and activated its slot: remembers what was there before, for the trial.
 * @throws UpdateError `system-install-failed` when RAUC's order never came to the boot chooser.
 */
export function noteInstalled(machine: Machine, version: string, baseline: Baseline): Slot {
  const { booted, chooser, paths } = machine;
  const slot = other(booted);
  if (standing(chooser.read(), booted) !== 'pending') {
    throw new UpdateError(
      'system-install-failed',
      `RAUC wrote system ${slot} but did not have it started: is ${paths.raucConfig} that of this image?`,
    );
  }
  const record = readRecord(paths.record);
  writeRecord(paths.record, {
    ...record,
    versions: { ...record.versions, [slot]: version || null },
    trial: { slot, version: version || null, baseline, begun: false, reason: null },
  });
  return slot;
}

/** The slot that does not run is about to be written: what is known of it is not true any more. */
export function noteInstalling({ booted, paths }: Machine): void {
  const record = readRecord(paths.record);
  writeRecord(paths.record, {
    ...record,
    versions: { ...record.versions, [other(booted)]: null },
    trial: null,
  });
}

export type Rollback =
  /** What was to be tried at the next start is not. */
  | { readonly kind: 'called-off'; readonly slot: Slot }
  /** The running system is given up; a restart brings the one before. */
  | { readonly kind: 'given-up'; readonly slot: Slot; readonly to: Slot }
  /** The other system is tried at the next start. */
  | { readonly kind: 'to-be-tried'; readonly slot: Slot };

/**
 * Towards the other system, whatever runs. It is on trial there, too: should it not do well, this one comes back.
 * @throws UpdateError `system-nothing-there` when the other system was never written whole, or failed, unless `force`.
 */
export function rollBack(
  machine: Machine,
  { baseline, force }: { baseline: Baseline; force: boolean },
): Rollback {
  const { booted, chooser, paths } = machine;
  const state = chooser.read();
  const now = standing(state, booted);
  if (now === 'on-trial') {
    giveUp(machine, 'rolled back by hand');
    return { kind: 'given-up', slot: booted, to: state.primary };
  }
  if (now === 'pending') {
    chooser.write(activate(state, booted, 0));
    writeRecord(paths.record, { ...readRecord(paths.record), trial: null });
    return { kind: 'called-off', slot: state.trial!.slot };
  }
  const slot = other(booted);
  const record = readRecord(paths.record);
  const version = record.versions[slot] ?? null;
  if (version === null || (state.bad === slot && !force)) throw nothingThere(slot, record);
  chooser.write(activate(state, slot, chooser.tries));
  writeRecord(paths.record, {
    ...record,
    trial: { slot, version, baseline, begun: false, reason: null },
  });
  return { kind: 'to-be-tried', slot };
}

function nothingThere(slot: Slot, { versions, last }: SystemRecord): UpdateError {
  const version = versions[slot];
  const failed = last?.outcome === 'rolled-back' && last.slot === slot ? `: ${last.reason}` : '';
  const text = version
    ? `system ${slot} (${version}) was found bad${failed}. To try it all the same, add --force`
    : `system ${slot} holds no system that was installed whole: there is nothing to go to. Install one: vigie system install FILE`;
  return new UpdateError('system-nothing-there', text);
}

/** Keeps the running system for good. @returns false when it was the primary already. */
export function confirm(machine: Machine, reason: string, at: string): boolean {
  const { booted, chooser, paths, version } = machine;
  const state = chooser.read();
  const isNews = state.primary !== booted;
  if (isNews) {
    chooser.write(markGood(state, booted, booted));
    const record = readRecord(paths.record);
    const last: Outcome = { outcome: 'confirmed', slot: booted, version, reason, at };
    writeRecord(paths.record, {
      ...record,
      versions: { ...record.versions, [booted]: version },
      trial: null,
      last,
    });
  }
  mkdirSync(dirname(paths.confirmed), { recursive: true });
  writeFileSync(paths.confirmed, '');
  return isNews;
}

/** The running system is no good: the next start brings the one before, and the record says why. */
export function giveUp(machine: Machine, reason: string): void {
  const { booted, chooser, paths } = machine;
  const record = readRecord(paths.record);
  // First the reason: after the next line, nothing hinders a restart from coming any more.
  if (record.trial) writeRecord(paths.record, { ...record, trial: { ...record.trial, begun: true, reason } });
  chooser.write(markBad(chooser.read(), booted));
}

/**
 * What this start means: a trial began, or ended without a word. Safe to repeat.
 * @returns how a trial ended, when this start is its end.
 */
export function noteBoot(machine: Machine, at: string): Outcome | null {
  const { booted, chooser, paths, version } = machine;
  const state = chooser.read();
  const record = readRecord(paths.record);
  const versions = { ...record.versions, [booted]: version };
  const now = standing(state, booted);
  if (now === 'on-trial') {
    const begun = record.trial ?? {
      slot: booted,
      version,
      baseline: { answered: true, components: {} },
      reason: null,
    };
    writeRecord(paths.record, { ...record, versions, trial: { ...begun, begun: true } });
    return null;
  }
  const failed = now === 'pending' || booted !== state.primary ? null : endedTrial(state, record);
  if (!failed) {
    // A trial of what is the primary by now: power was lost between its confirmation and this file.
    const trial = record.trial?.slot === state.primary ? null : record.trial;
    if (record.versions[booted] !== version || trial !== record.trial) {
      writeRecord(paths.record, { ...record, versions, trial });
    }
    // Also mends what is damaged of the boot loader's files.
    if (now === 'stable') chooser.write(state);
    return null;
  }
  const { slot, begun, reason } = failed;
  const last: Outcome = { outcome: 'rolled-back', slot, version: record.versions[slot] ?? null, reason, at };
  writeRecord(paths.record, { ...record, versions, trial: null, last });
  // What never got as far as to say so may only have missed its start: it is not called bad, but not tried by itself.
  chooser.write(begun ? markBad(state, slot) : { ...state, trial: null });
  return last;
}

/** Which trial this start of the primary ended; by the boot state, or by a record that is ahead of it. */
function endedTrial({ primary, trial, bad }: BootState, record: SystemRecord) {
  const slot = trial?.slot ?? (record.trial?.begun ? record.trial.slot : undefined);
  if (slot === undefined || slot === primary) return null;
  const known = record.trial?.slot === slot ? record.trial : null;
  const begun = known?.begun ?? slot === bad;
  const silent = begun
    ? 'it started, and restarted or lost power before it was confirmed'
    : 'it did not come up, or power was lost at its start';
  return { slot, begun, reason: known?.reason ?? silent };
}

const versionIn = (machine: Machine, record: SystemRecord, slot: Slot) =>
  slot === machine.booted ? machine.version : (record.versions[slot] ?? null);

/**
 * What is remembered of one bundle name: `models/NAME.json` (SPEC.md, The record). Every step of the state machine is
 * one function here, from a record to the next; the driver writes the result before it acts on it (I-3).
 */

import { UpdateError } from '../../../runtime/core/errors.ts';
import type { Sha256 } from '../../bundle/bundle.ts';
import type { OutputReference } from '../host.ts';

export interface Release {
  readonly release: number;
  /** SHA-256 of bundle.json. */
  readonly digest: Sha256;
}

/** S-FETCH, S-VERIFY and S-STAGED of the specification; the other states follow from the rest of the record. */
export type Step = 'FETCH' | 'VERIFY' | 'STAGED';

export interface Target extends Release {
  readonly step: Step;
  /** How often S-VERIFY began: a self-test that takes the whole node down must not do so for ever. */
  readonly verifies: number;
  /** From the assignment: may be tried without trusted time. */
  readonly offlineOk: boolean;
  /** From the assignment: hours of the day, UTC, in which a trial may begin. */
  readonly window: { readonly from: number; readonly to: number } | null;
}

export interface Trial extends Release {
  /** Starts that are still allowed after the one under way. */
  readonly attemptsLeft: number;
  /** Which attempt this is, from 1. */
  readonly attempt: number;
  /** The outputs of what served before it, as they were when the trial began: a restart would have forgotten them. */
  readonly reference: OutputReference;
}

export interface Refusal extends Release {
  readonly code: string;
  readonly reason: string;
}

export interface ModelRecord {
  readonly name: string;
  /** Serves, outside a trial. */
  readonly active: Release | null;
  readonly previous: Release | null;
  readonly target: Target | null;
  readonly trial: Trial | null;
  /** Nothing below is installed from outside, nor another content of the same release. Raised by a commit alone (I-5). */
  readonly floor: Release | null;
  /** Rolled back here: never tried again unless unblocked by hand. */
  readonly blocked: readonly Release[];
  /** Stays on `active` whatever is assigned. */
  readonly pinned: boolean;
  /** What came last to a bad end, and why. */
  readonly refused: Refusal | null;
  /** Starts of the process in a row in which `active` did not come to serve steadily. */
  readonly unsteadyStarts: number;
}

/** Characters of a reason that are kept. */
const MOST_REASON = 500;
/** Blocked releases below the floor cannot come back anyway; this many above it are remembered. */
const MOST_BLOCKED = 64;

export function emptyRecord(name: string): ModelRecord {
  return {
    name,
    active: null,
    previous: null,
    target: null,
    trial: null,
    floor: null,
    blocked: [],
    pinned: false,
    refused: null,
    unsteadyStarts: 0,
  };
}

/** A-3 PLAN → FETCH. */
export function beginFetch(record: ModelRecord, target: Omit<Target, 'step' | 'verifies'>): ModelRecord {
  const before = record.target?.digest === target.digest ? record.target.verifies : 0;
  return { ...record, target: { ...target, step: 'FETCH', verifies: before } };
}

/** A-4 FETCH → VERIFY and A-5 VERIFY → STAGED. */
export function advance(record: ModelRecord, step: 'VERIFY' | 'STAGED'): ModelRecord {
  const target = targetOf(record);
  const before = step === 'VERIFY' ? 'FETCH' : 'VERIFY';
  if (target.step !== before) throw wrongOrder(record, `${target.step} to ${step}`);
  const verifies = target.verifies + (step === 'VERIFY' ? 1 : 0);
  return { ...record, target: { ...target, step, verifies } };
}

/** what was on its way is given up for a reason that another try may not have. */
export function abandon(record: ModelRecord): ModelRecord {
  return { ...record, target: null };
}

/** A-6 PLAN | FETCH | VERIFY → IDLE: this content is no good here. `forGood` blocks it. */
export function refuse(record: ModelRecord, refused: Refusal, forGood: boolean): ModelRecord {
  return {
    ...record,
    target: null,
    refused: shortened(refused),
    blocked: forGood ? block(record, refused) : record.blocked,
  };
}

/** A-7 STAGED → TRIAL: the attempt is counted before it begins (I-4). */
export function beginTrial(
  record: ModelRecord,
  attempts: number,
  reference: OutputReference = {},
): ModelRecord {
  const { step, release, digest } = targetOf(record);
  if (step !== 'STAGED') throw wrongOrder(record, `${step} to TRIAL`);
  const trial = { release, digest, attempt: 1, attemptsLeft: attempts - 1, reference };
  return { ...record, target: null, trial };
}

/** A-9 TRIAL → TRIAL: the process ended during the attempt before. */
export function nextAttempt(record: ModelRecord): ModelRecord {
  const trial = trialOf(record);
  if (trial.attemptsLeft < 1) throw wrongOrder(record, 'TRIAL to TRIAL without an attempt left');
  return {
    ...record,
    trial: { ...trial, attempt: trial.attempt + 1, attemptsLeft: trial.attemptsLeft - 1 },
  };
}

/** the process is told to end during a trial; that is no fault of the model. */
export function giveBackAttempt(record: ModelRecord): ModelRecord {
  const trial = trialOf(record);
  return {
    ...record,
    trial: { ...trial, attempt: trial.attempt - 1, attemptsLeft: trial.attemptsLeft + 1 },
  };
}

/** A-11 TRIAL → COMMITTED. The floor rises here and nowhere else (I-5). */
export function commit(record: ModelRecord): ModelRecord {
  const { release, digest } = trialOf(record);
  const now = { release, digest };
  return {
    ...record,
    active: now,
    previous: record.active,
    trial: null,
    floor: higher(record.floor, now),
    blocked: record.blocked.filter((one) => one.release >= release),
    refused: null,
    unsteadyStarts: 0,
  };
}

/** A-12 TRIAL → ROLLED BACK: what served before serves again, and the content is blocked. */
export function rollBackTrial(record: ModelRecord, code: string, reason: string): ModelRecord {
  const { release, digest } = trialOf(record);
  const refused = shortened({ release, digest, code, reason });
  return { ...record, trial: null, refused, blocked: block(record, refused) };
}

/** A-14 TRIAL → IDLE: its files were damaged, which is no fault of the content; the next check fetches them anew. */
export function dropTrial(record: ModelRecord): ModelRecord {
  return { ...record, trial: null };
}

/**
 * by hand, or since an assignment blocks what serves. The floor stays (I-5), and what was left is blocked.
 * @throws UpdateError `ota-no-previous`
 */
export function rollBackActive(record: ModelRecord, code: string, reason: string): ModelRecord {
  const { active, previous } = record;
  if (!active || !previous || record.trial) {
    throw new UpdateError('ota-no-previous', `there is no earlier release of '${record.name}' to go back to`);
  }
  const refused = shortened({ ...active, code, reason });
  return {
    ...record,
    active: previous,
    previous: null,
    target: null,
    refused,
    blocked: block(record, refused),
    unsteadyStarts: 0,
  };
}

/** By hand: what was blocked here may be tried again. */
export function unblock(record: ModelRecord, digest: Sha256): ModelRecord {
  const blocked = record.blocked.filter((one) => one.digest !== digest);
  const refused = record.refused?.digest === digest ? null : record.refused;
  return { ...record, blocked, refused };
}

export function pin(record: ModelRecord, pinned: boolean): ModelRecord {
  return { ...record, pinned, target: pinned ? null : record.target };
}

export function countStart(record: ModelRecord): ModelRecord {
  return { ...record, unsteadyStarts: Math.min(record.unsteadyStarts + 1, 1000) };
}

export function serveSteadily(record: ModelRecord): ModelRecord {
  return { ...record, unsteadyStarts: 0 };
}

/** What must stay in the store (I-6). */
export function kept(record: ModelRecord): Release[] {
  return [record.active, record.previous, record.trial, record.target].filter((one) => one !== null);
}

function block(record: ModelRecord, { release, digest }: Release): readonly Release[] {
  const others = record.blocked.filter((one) => one.digest !== digest);
  return [...others, { release, digest }].slice(-MOST_BLOCKED);
}

function shortened(refused: Refusal): Refusal {
  const { release, digest, code } = refused;
  return { release, digest, code, reason: refused.reason.slice(0, MOST_REASON).toWellFormed() };
}

function higher(a: Release | null, b: Release): Release {
  return a && a.release > b.release ? a : b;
}

function targetOf(record: ModelRecord): Target {
  if (record.target) return record.target;
  throw wrongOrder(record, 'on without a target');
}

function trialOf(record: ModelRecord): Trial {
  if (record.trial) return record.trial;
  throw wrongOrder(record, 'on without a trial');
}

function wrongOrder({ name }: ModelRecord, step: string): UpdateError {
  return new UpdateError('ota-wrong-order', `'${name}' cannot go ${step}`);
}

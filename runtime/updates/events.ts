/** What happened to models, from what the update client says of them now and said before. Pure. */

import type { ReportedModel, ReportedRelease } from '../../ota/protocol/report.ts';

export type UpdateStep = 'staged' | 'trial' | 'committed' | 'refused' | 'rolled-back' | 'idle';

/** Body of `events/update`. */
export interface UpdateEvent extends Readonly<Record<string, unknown>> {
  readonly schema: 'vigie.update/1';
  /** Name of the bundle. */
  readonly model: string;
  readonly step: UpdateStep;
  readonly release: number | null;
  readonly digest: string | null;
  /** Of the error that a refusal or a rollback stands for; null else. */
  readonly code: string | null;
  /** For a person. */
  readonly reason: string;
}

/** What was told already, by model; kept over restarts, so that a rollback at a start is told once. */
export interface Told {
  readonly staged: string | null;
  readonly trial: string | null;
  readonly active: string | null;
  readonly refused: string | null;
  /** Nothing serves, though something did. */
  readonly idle: boolean;
}

const NOTHING: Told = { staged: null, trial: null, active: null, refused: null, idle: false };

export function toldOf({ staged, trial, active, refused, serving }: ReportedModel): Told {
  return {
    staged: staged?.digest ?? null,
    trial: trial?.digest ?? null,
    active: active?.digest ?? null,
    refused: refused && `${refused.digest} ${refused.code}`,
    idle: active !== null && serving === null,
  };
}

/** In the order in which the steps follow each other. */
export function eventsOf(before: Told = NOTHING, model: ReportedModel): UpdateEvent[] {
  const now = toldOf(model);
  const { name, staged, trial, active, refused, trouble } = model;
  const events: UpdateEvent[] = [];
  const add = (step: UpdateStep, of: ReportedRelease | null, reason: string, code: string | null = null) =>
    events.push({
      schema: 'vigie.update/1',
      model: name,
      step,
      release: of?.release ?? null,
      digest: of?.digest ?? null,
      code,
      reason,
    });
  if (staged && now.staged !== before.staged)
    add('staged', staged, `release ${staged.release} is here, verified and waits for its trial`);
  if (trial && now.trial !== before.trial) add('trial', trial, `release ${trial.release} serves on trial`);
  const ended = refused !== null && now.refused !== before.refused;
  if (ended) {
    // What was on trial, or served, is rolled back; what never served is refused.
    const served = [before.trial, before.active].includes(refused.digest) || hasServed(refused.code);
    add(served ? 'rolled-back' : 'refused', refused, refused.reason, refused.code);
  }
  // An earlier release serves again after a rollback: no news of its own.
  if (active && now.active !== before.active && !(ended && before.active !== null))
    add('committed', active, `release ${active.release} did well and stays`);
  if (now.idle && !before.idle) add('idle', null, trouble ?? 'nothing serves');
  return events;
}

/** A trial that began and ended between two looks. */
const hasServed = (code: string) => code === 'ota-unhealthy' || code === 'ota-rolled-back';

/** How a person asks for a fault: on the command line and, while the plant runs, on standard input. */

import { InputError } from '../../runtime/core/errors.ts';
import { parseDuration } from '../../runtime/core/units.ts';
import { modesNamed } from './catalogue.ts';

export interface FaultRequest {
  /** A kind (one of its modes is drawn) or a mode. */
  readonly what: string;
  /** A sensor or a stage, as the mode needs; drawn when absent. */
  readonly target?: string;
  /** Simulated seconds from the start of the plant (or from now, for a plant that runs); 0 when absent. */
  readonly after?: number;
  /** Simulated seconds; the mode's usual duration when absent. */
  readonly duration?: number;
}

const SPEC = /^([a-z-]+)(?::([a-z0-9-]+))?(?:@([0-9.]+[a-z]*))?(?:\+([0-9.]+[a-z]*))?$/;

/** `KIND[:TARGET][@START][+DURATION]`; a bare number counts seconds. @throws InputError `fault-invalid`, `fault-unknown`. */
export function parseFaultSpec(text: string): FaultRequest {
  const match = SPEC.exec(text);
  if (!match) {
    const expected = 'KIND[:TARGET][@START][+DURATION], such as drift:bio-do-1@60+2min';
    throw new InputError('fault-invalid', `cannot read the fault '${text}'; expected ${expected}`);
  }
  const [, what, target, after, duration] = match;
  return request(what!, target, after, duration);
}

/** `KIND [TARGET] [DURATION]`, as typed after the word `fault`. @throws InputError like `parseFaultSpec`. */
export function parseFaultWords(words: readonly string[]): FaultRequest {
  const [what, ...rest] = words;
  const isDuration = (word: string | undefined) => word !== undefined && /^[0-9]/.test(word);
  const target = isDuration(rest[0]) ? undefined : rest.shift();
  const duration = rest.shift();
  if (what === undefined || rest.length > 0 || (duration !== undefined && !isDuration(duration))) {
    const expected = 'fault KIND [TARGET] [DURATION], such as: fault drift bio-do-1 60s';
    throw new InputError('fault-invalid', `cannot read '${words.join(' ')}'; expected ${expected}`);
  }
  return request(what, target, undefined, duration);
}

function request(what: string, target?: string, after?: string, duration?: string): FaultRequest {
  modesNamed(what);
  return {
    what,
    ...(target === undefined ? {} : { target }),
    ...(after === undefined ? {} : { after: secondsOf(after) }),
    ...(duration === undefined ? {} : { duration: secondsOf(duration) }),
  };
}

function secondsOf(text: string): number {
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : parseDuration(text);
  if (value !== undefined) return value / 1000;
  throw new InputError('fault-invalid', `'${text}' is no duration; expected such as 60, 60s, 2min`);
}

/** Words that several actions of `vigie ota repo` take and print. */

import type { SignatureState, SignedDraft } from '../../../../ota/publish/repository/drafts.ts';
import type { MetadataRole } from '../../../../ota/publish/repository/roles.ts';
import { UsageError } from '../../../core/errors.ts';
import { table } from '../../model/table.ts';

/** `NAME=VALUE` options that may come several times. */
export function pairs(
  values: readonly string[] | undefined,
  option: string,
): [name: string, value: string][] {
  return (values ?? []).map((text) => {
    const [name = '', value = ''] = text.split('=');
    if (name && value) return [name, value];
    throw new UsageError('usage', `--${option} takes NAME=VALUE, not '${text}'`);
  });
}

export function wholeNumber(text: string, option: string, least = 1): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= least) return number;
  throw new UsageError('usage', `${option} takes a whole number from ${least} on, not '${text}'`);
}

/** Roles of drafts that were named; all where none was. @throws UsageError */
export async function draftRoles(names: readonly string[] | undefined): Promise<readonly MetadataRole[]> {
  const { DRAFTED } = await import('../../../../ota/publish/repository/drafts.ts');
  for (const name of names ?? []) {
    if ((DRAFTED as readonly string[]).includes(name)) continue;
    throw new UsageError('usage', `--role takes one of ${DRAFTED.join(', ')}, not '${name}'`);
  }
  return names ? (names as MetadataRole[]) : DRAFTED;
}

/** `2 of 2, 1 of 2 by root 3`. */
export const stateText = (states: readonly SignatureState[]): string =>
  states
    .map(({ have, need, by }) => `${have} of ${need}${by.startsWith('root ') ? ` by ${by}` : ''}`)
    .join(', ');

export function draftTable(drafts: readonly SignedDraft[]): string {
  const rows = drafts.map(({ role, version, states }) => [role, version, stateText(states), verdict(states)]);
  return table(['draft', 'version', 'signatures', ''], rows);
}

const verdict = (states: readonly SignatureState[]) =>
  states.every(({ have, need }) => have >= need) ? 'ready to publish' : 'needs more';

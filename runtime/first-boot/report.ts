/** What `vigie first-boot` leaves for the node itself: read once when the node starts, shown in its health. */

import { readJsonFile } from '../core/atomic-file.ts';
import { type Component, HEALTHY, type Health } from '../core/component.ts';
import { StorageError } from '../core/errors.ts';

export interface FirstBootReport {
  readonly schema: 1;
  readonly node: { readonly id: string; readonly hostname: string };
  /** What a person has to do something about; empty when all is well. */
  readonly problems: readonly string[];
  /** Names of the secrets that are there: the set-up page may not look for itself. */
  readonly secrets: readonly string[];
}

/** @returns undefined where there is none (no image), or it cannot be read. */
export function readReport(path: string): FirstBootReport | undefined {
  try {
    const report = readJsonFile(path) as Partial<FirstBootReport> | undefined;
    return report?.schema === 1 && Array.isArray(report.problems) ? (report as FirstBootReport) : undefined;
  } catch (error) {
    if (error instanceof StorageError) return undefined;
    throw error;
  }
}

/** The machine below the node as one more part of it: degraded while first boot has something to say. */
export function firstBootComponent({ problems }: FirstBootReport): Component {
  const health: Health = problems.length === 0 ? HEALTHY : { state: 'degraded', detail: problems.join('; ') };
  return {
    name: 'first-boot',
    start: async () => {},
    stop: async () => {},
    health: () => health,
  };
}

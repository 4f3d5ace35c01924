/** What the node answers, in words. */

import type { NodeReport, ReportedModel, ReportedRelease } from '../../../../ota/protocol/report.ts';
import { table } from '../../model/table.ts';

export interface StatusAnswer extends Omit<NodeReport, 'counter' | 'models'> {
  readonly models: readonly (ReportedModel & {
    readonly state: string;
    readonly version: string | null;
    readonly backend: string | null;
  })[];
}

export interface CheckAnswer {
  readonly assigned: readonly { readonly name: string; readonly release: number; readonly percent: number }[];
  readonly models: readonly {
    readonly name: string;
    readonly release: number;
    readonly result: 'staged' | 'nothing' | 'refused';
    readonly code?: string;
    readonly reason?: string;
    readonly why?: string;
  }[];
  readonly failures: readonly { readonly name: string; readonly code: string; readonly message: string }[];
}

export function statusText(status: StatusAnswer): string {
  const { node, group, timeTrust, time, lastError, attack, metadata, configuration, models } = status;
  const lines = [
    `node           ${node}, of group ${group}, key ${status.key.slice(0, 16)}…`,
    `time           ${new Date(time).toISOString()} (${timeTrust})`,
    `metadata       ${
      Object.entries(metadata)
        .map(([role, version]) => `${role} ${version}`)
        .join(', ') || 'none yet'
    }`,
    ...(configuration ? [`configuration  ${configuration.slice(0, 16)}…`] : []),
    ...(lastError ? [`last error     ${lastError.code}: ${lastError.message}`] : []),
    ...(attack ? ['ATTACK         something came that no honest repository or broker sends'] : []),
  ];
  if (models.length === 0) return `${lines.join('\n')}\n\nNo model was assigned to this node yet.\n`;
  const head = ['model', 'state', 'serves', 'version', 'backend', 'before', 'on its way', 'floor'];
  const rows = models.map((model) => [
    model.pinned ? `${model.name} (pinned)` : model.name,
    model.state,
    releaseText(model.serving),
    model.version ?? '-',
    model.backend ?? '-',
    releaseText(model.previous),
    releaseText(model.staged),
    String(model.floor),
  ]);
  return `${lines.join('\n')}\n\n${table(head, rows)}${models.flatMap((model) => [...remarks(model)]).join('')}`;
}

function* remarks({ name, trouble, trial, refused, blocked }: ReportedModel): Generator<string> {
  if (trial) yield `${name}: release ${trial.release} is on trial, ${trial.attemptsLeft} starts left\n`;
  if (trouble) yield `${name}: ${trouble}\n`;
  if (refused) yield `${name}: release ${refused.release} is not used: ${refused.reason} (${refused.code})\n`;
  for (const digest of blocked) yield `${name}: blocked ${digest}\n`;
}

export function checkText({ assigned, models, failures }: CheckAnswer): string {
  if (assigned.length === 0) return 'nothing is assigned to the group of this node\n';
  const lines = models.map(({ name, release, result, why, reason, code }) => {
    const outcome =
      result === 'staged'
        ? 'is here and verified'
        : result === 'nothing'
          ? why
          : `refused: ${reason} (${code})`;
    return `${name} ${release}: ${outcome}\n`;
  });
  for (const { name, code, message } of failures) lines.push(`${name}: ${message} (${code})\n`);
  if (lines.length === 0) lines.push('what is assigned to the group is not for this node yet\n');
  return lines.join('');
}

const releaseText = (release: ReportedRelease | null) => (release ? String(release.release) : '-');

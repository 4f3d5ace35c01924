/** The text of vigie.service.d/50-node.conf. Pure. */

import type { Opening } from './devices.ts';

export interface NodeFacts {
  readonly openings: readonly Opening[];
  readonly refused: readonly string[];
  /** Major version of systemd; undefined where it could not be told. */
  readonly systemd: number | undefined;
  /** Whether systemd-timesyncd keeps the time: it leaves a file to be seen from within the sandbox. */
  readonly timesyncd: boolean;
}

const HEADER = `# Written by 'vigie service apply': what this node's configuration and machine need beyond 10-sandbox.conf.
# Changes here are lost; put yours into a file of their own: systemctl edit vigie
[Service]`;

/** RestartSteps= and RestartMaxDelaySec= came with this version; older ones warn of them. */
const KNOWS_STEPS = 254;
const BACK_OFF = `# From 2 s at the first restart to 60 s from the sixth on.
RestartSec=2
RestartSteps=6
RestartMaxDelaySec=60`;
const CLOCK = `# The time service is not systemd-timesyncd: whether the clock is set is asked of the kernel, read only.
ProtectClock=no
SystemCallFilter=adjtimex clock_adjtime`;

export function dropIn({ openings, refused, systemd, timesyncd }: NodeFacts): string {
  const said = new Set<string>();
  const blocks = openings.map(({ why, lines }) => {
    const news = lines.filter((line) => !said.has(line));
    for (const line of news) said.add(line);
    return [`# ${oneLine(why)}`, ...news].join('\n');
  });
  return `${[
    HEADER,
    ...(systemd !== undefined && systemd >= KNOWS_STEPS ? [BACK_OFF] : []),
    ...(timesyncd ? [] : [CLOCK]),
    ...blocks,
    ...refused.map((text) => `# not opened: ${oneLine(text)}`),
  ].join('\n')}\n`;
}

/** Names and paths are the configuration's: none may begin a line of its own, or go on in the next one. */
function oneLine(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]|\\/g, '?').slice(0, 300);
}

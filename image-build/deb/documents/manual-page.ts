/** `man vigie`, in roff: the pages that the program itself prints, set so that man and mandoc both take them. */

import type { CommandTree, Page } from './command-tree.ts';

export interface ManualOptions {
  readonly version: string;
  /** YYYY-MM-DD. */
  readonly date: string;
}

export function manualPage({ commands, pages }: CommandTree, { version, date }: ManualOptions): string {
  return [
    `.TH VIGIE 1 "${date}" "vigie ${roff(version)}" "User Commands"`,
    section('NAME', 'vigie \\- the lookout on the edge node'),
    section('SYNOPSIS', '.B vigie\n.I COMMAND\n.RI [ OPTIONS ]\n.PP\n.B vigie\n.I COMMAND\n.B \\-\\-help'),
    section(
      'DESCRIPTION',
      paragraph(`Vigie reads Modbus and serial sensors and cameras, watches them with models that run on the board
itself, explains what it decided, and delivers results over MQTT without losing one. Models reach it as signed bundles
over the same connection.`),
    ),
    section(
      'COMMANDS',
      commands.map(({ name, summary }) => `.TP\n.B ${roff(name)}\n${line(summary)}`).join('\n'),
    ),
    ...distinct(pages).map(({ words, help }) =>
      section(
        `VIGIE ${words.join(' ').toUpperCase()}`,
        `.nf\n${help.trimEnd().split('\n').map(line).join('\n')}\n.fi`,
      ),
    ),
    section('FILES', files()),
    section(
      'EXIT STATUS',
      paragraph(
        '0 on success, 1 on failure, 2 when the command line was not understood; the pages above say where a\ncommand tells more apart.',
      ),
    ),
    section('SEE ALSO', '.BR systemctl (1),\n.BR journalctl (1)\n.PP\n/usr/share/doc/vigie'),
  ].join('\n');
}

/** Actions that share their command's page are not printed twice. */
function distinct(pages: readonly Page[]): readonly Page[] {
  const seen = new Set<string>();
  return pages.filter(({ help }) => !seen.has(help) && seen.add(help));
}

function files(): string {
  const list: readonly (readonly [string, string])[] = [
    ['/etc/vigie/vigie.yaml', 'The configuration of the node.'],
    ['/var/lib/vigie', 'Outbox, baselines, models and other state; removed when the package is purged.'],
    ['/usr/lib/vigie/device-profiles', 'One file for each board that is recognised.'],
  ];
  return list.map(([path, text]) => `.TP\n.I ${roff(path)}\n${line(text)}`).join('\n');
}

const section = (title: string, body: string): string => `.SH "${roff(title)}"\n${body}`;
const paragraph = (text: string): string => text.split('\n').map(line).join('\n');

/** One line of text: a dot or an apostrophe at its beginning would be a request. */
const line = (text: string): string => roff(text).replace(/^([.'])/, '\\&$1');

function roff(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll("'", '\\(aq')
    .replaceAll('`', '\\(ga')
    .replaceAll('^', '\\(ha')
    .replaceAll('~', '\\(ti');
}

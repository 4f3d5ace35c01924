/** Everything that `vigie` can be told, from the program itself: what manual page and completion are made from. */

import type { CliCommand } from '../../../runtime/cli/command.ts';
import { allCommands } from '../../../runtime/cli/run-command.ts';

/** A command, or an action of one, that has a help page. */
export interface Page {
  /** The words after `vigie`: `['ota', 'key', 'gen']`. */
  readonly words: readonly string[];
  /** What `vigie WORDS --help` prints. */
  readonly help: string;
  /** The long options that the page names. */
  readonly options: readonly string[];
}

export interface CommandTree {
  readonly commands: readonly { readonly name: string; readonly summary: string }[];
  /** In the order of `vigie --help`, each command before its actions. */
  readonly pages: readonly Page[];
}

export async function commandTree(): Promise<CommandTree> {
  const commands = await allCommands();
  const pages = await Promise.all(commands.map(pagesOf));
  return { commands: commands.map(({ name, summary }) => ({ name, summary })), pages: pages.flat() };
}

async function pagesOf(command: CliCommand): Promise<readonly Page[]> {
  const own = page([command.name], command.help);
  const actions = [...new Set([...(command.actions ?? []), ...actionsInUsage(command)])];
  const more = actions.map(async (action) => {
    const words = action.split(' ');
    // An action without a page of its own is told on the command's.
    const help = (await command.helpFor?.(words)) ?? command.help;
    return page([command.name, ...words], help);
  });
  return [own, ...(await Promise.all(more))];
}

/** For a command that names its actions on its page alone: the word that follows it on a line of usage. */
function actionsInUsage({ name, help }: CliCommand): readonly string[] {
  const [usage = ''] = help.split('\n\n');
  return [
    ...usage.matchAll(new RegExp(`vigie ${name} ([a-z][a-z0-9-]*(?:\\|[a-z][a-z0-9-]*)*)(?= |$)`, 'gm')),
  ].flatMap(([, words = '']) => words.split('|'));
}

function page(words: readonly string[], help: string): Page {
  const options = [...help.matchAll(/(?<![\w-])--[a-z][a-z0-9-]*/g)].map(([option]) => option);
  return { words, help, options: [...new Set([...options, '--help'])].sort() };
}

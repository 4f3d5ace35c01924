/** Completion for bash: commands, their actions, the options each page names, and files. */

import type { CommandTree, Page } from './command-tree.ts';

export function bashCompletion(tree: CommandTree): string {
  return `# Completion of vigie for bash.
_vigie() {
  local current=\${COMP_WORDS[COMP_CWORD]} at=1 path= words
  # The command and its actions: words up to the one being typed, as long as they are known.
  while ((at < COMP_CWORD)) && _vigie_page "\${path:+$path }\${COMP_WORDS[at]}"; do
    path="\${path:+$path }\${COMP_WORDS[at]}"
    ((at += 1))
  done
  _vigie_page "$path"
  if [[ $current == -* ]]; then
    words=$_vigie_options
  elif ((at == COMP_CWORD)); then
    words=$_vigie_actions
  else
    words=
  fi
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
  if [[ $current != -* && ( -z $words || \${#COMPREPLY[@]} -eq 0 ) ]]; then
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$current")
  fi
}

_vigie_page() {
  case $1 in
${pageCases(tree)}
    *) return 1 ;;
  esac
}

complete -F _vigie vigie
`;
}

function pageCases({ commands, pages }: CommandTree): string {
  const top = branch([], [...commands.map(({ name }) => name), 'help'], ['--help', '--version']);
  return [top, ...pages.map((page) => branch(page.words, actionsBelow(page, pages), page.options))].join(
    '\n',
  );
}

function branch(words: readonly string[], actions: readonly string[], options: readonly string[]): string {
  return `    '${words.join(' ')}') _vigie_actions='${actions.join(' ')}' _vigie_options='${options.join(' ')}' ;;`;
}

function actionsBelow({ words }: Page, pages: readonly Page[]): readonly string[] {
  const below = pages.filter((other) => words.every((word, at) => other.words[at] === word));
  return [...new Set(below.flatMap((other) => other.words[words.length] ?? []))];
}

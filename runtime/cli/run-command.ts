/** Finds the command, prints help, turns errors into messages and exit codes. */

import { describeError, UsageError, VigieError } from '../core/errors.ts';
import type { CliCommand } from './command.ts';
import { version } from './version.ts';

/** In the order of `vigie --help`; each module is loaded only when its command is called. */
const COMMANDS: Readonly<Record<string, () => Promise<CliCommand>>> = {
  run: async () => (await import('./run.ts')).run,
  check: async () => (await import('./check.ts')).check,
  doctor: async () => (await import('./doctor.ts')).doctor,
  demo: async () => (await import('./demo.ts')).demo,
  simulate: async () => (await import('./simulate.ts')).simulate,
  evaluate: async () => (await import('./evaluate.ts')).evaluate,
  bench: async () => (await import('./bench.ts')).bench,
  outbox: async () => (await import('./outbox.ts')).outbox,
  model: async () => (await import('./model.ts')).model,
  ota: async () => (await import('./ota.ts')).ota,
  logs: async () => (await import('./logs.ts')).logs,
  diag: async () => (await import('./diag.ts')).diag,
  service: async () => (await import('./service.ts')).service,
  system: async () => (await import('./system.ts')).system,
  setup: async () => (await import('./setup.ts')).setup,
  'first-boot': async () => (await import('./first-boot.ts')).firstBootCommand,
};

/** @returns every command, in the order of `vigie --help`. */
export function allCommands(): Promise<readonly CliCommand[]> {
  return Promise.all(Object.values(COMMANDS).map((load) => load()));
}

const EXIT_OK = 0;
const EXIT_FAILURE = 1;
const EXIT_USAGE = 2;

/** @returns the exit status: 0 ok, 1 failure, 2 the command line was not understood. */
export async function runCommand(argv: readonly string[]): Promise<number> {
  const [name, ...args] = argv;
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    process.stdout.write(await overview());
    return name === undefined ? EXIT_USAGE : EXIT_OK;
  }
  if (name === '--version' || name === '-v') {
    process.stdout.write(`${version()}\n`);
    return EXIT_OK;
  }
  const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!load) return usage(`unknown command '${name}'; there are: ${Object.keys(COMMANDS).join(', ')}`);
  const command = await load();
  watchReader(command);
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write((await command.helpFor?.(args)) ?? command.help);
    return EXIT_OK;
  }
  return command.run(args).catch((error: unknown) => report(error, command));
}

let watched: CliCommand | undefined;

/** `vigie … | head`: the reader has seen enough. No part of a command may be waiting when the pipe says so. */
function watchReader(command: CliCommand): void {
  if (!watched) {
    process.stdout.on('error', (error: NodeJS.ErrnoException) => {
      if (watched?.outlivesReader) return;
      process.exit(error.code === 'EPIPE' ? EXIT_OK : report(error, watched!));
    });
  }
  watched = command;
}

function report(error: unknown, { name, exitCode }: CliCommand): number {
  if (error instanceof UsageError || isParseArgsError(error)) return usage(describeError(error), name);
  const text =
    error instanceof VigieError ? describeError(error) : ((error as Error)?.stack ?? String(error));
  process.stderr.write(`vigie: ${text}\n`);
  return exitCode?.(error) ?? EXIT_FAILURE;
}

function usage(message: string, command?: string): number {
  process.stderr.write(`vigie: ${message}\nTry: vigie ${command ? `${command} ` : ''}--help\n`);
  return EXIT_USAGE;
}

/** node:util's parseArgs says clearly what it did not understand. */
function isParseArgsError(error: unknown): boolean {
  return String((error as NodeJS.ErrnoException)?.code).startsWith('ERR_PARSE_ARGS');
}

async function overview(): Promise<string> {
  const lines = (await allCommands()).map(({ name, summary }) => `  ${name.padEnd(10)} ${summary}`);
  return `vigie ${version()}: the lookout on the edge node

Usage: vigie COMMAND [OPTIONS]     vigie COMMAND --help

${lines.join('\n')}

Start here: 'vigie demo' runs a simulated plant and opens a dashboard on it;
'vigie check vigie.yaml' says what is wrong with a configuration.
Exit status: 0 ok, 1 failure, 2 the command line was not understood.
`;
}

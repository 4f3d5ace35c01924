/** What an operator may ask of a running node, over MQTT (`cmd/<name>`) or the local HTTP interface. */

import { InputError } from './errors.ts';

export interface Command {
  /** kebab-case, such as `baseline-refresh`. */
  readonly name: string;
  readonly description: string;
  /** Validates its own arguments. @throws InputError naming the wrong argument. */
  run(args: Readonly<Record<string, unknown>>): Promise<Readonly<Record<string, unknown>>>;
}

export class CommandTable {
  readonly #commands = new Map<string, Command>();

  add(command: Command): void {
    this.#commands.set(command.name, command);
  }

  list(): readonly Command[] {
    return [...this.#commands.values()];
  }

  /** @throws InputError `unknown-command` with the names there are, or what the command itself throws. */
  async run(name: string, args: unknown): Promise<Readonly<Record<string, unknown>>> {
    const command = this.#commands.get(name);
    if (!command) {
      const known = [...this.#commands.keys()].join(', ') || 'none';
      throw new InputError('unknown-command', `no command '${name}'; known: ${known}`);
    }
    if (typeof args !== 'object' || args === null || Array.isArray(args)) {
      throw new InputError('bad-arguments', `command '${name}' takes a JSON object of arguments`);
    }
    return command.run(args as Record<string, unknown>);
  }
}

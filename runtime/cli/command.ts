/** One command of `vigie`. Each lives in a file of its own, loaded only when it is called. */
export interface CliCommand {
  readonly name: string;
  /** One line for `vigie --help`. */
  readonly summary: string;
  /** What `vigie NAME --help` prints: usage, options, examples, exit codes. */
  readonly help: string;
  /** What `vigie NAME ACTION --help` prints instead, for a command with actions that need pages of their own. */
  helpFor?(args: readonly string[]): Promise<string | undefined>;
  /** Those actions, each as the words after NAME: manual page and shell completion are made from them. */
  readonly actions?: readonly string[];
  /** @returns the exit status: 0 ok, 1 failure, 2 usage. @throws UsageError for arguments it cannot understand. */
  run(args: readonly string[]): Promise<number>;
  /** Goes on when nobody reads its output any more; others end. */
  readonly outlivesReader?: boolean;
  /** The exit status for an error of `run`, for a command that tells more apart than 1 and 2. */
  exitCode?(error: unknown): number;
}

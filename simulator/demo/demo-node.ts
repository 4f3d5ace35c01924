/** The demo's node: a process of its own, exactly as on a board; its log lines that matter are passed on. */

import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { packageRoot } from '../../runtime/core/paths.ts';

export interface DemoNodeOptions {
  /** Holds its configuration and data. */
  readonly directory: string;
  readonly config: object;
  /** Events of its log that are passed on besides errors. */
  readonly tells: RegExp;
  /** For a person, line by line. */
  readonly say: (line: string) => void;
}

export class DemoNode {
  /** The exit status, should it end by itself. */
  readonly exit: Promise<number | null>;
  readonly #options: DemoNodeOptions;
  readonly #child: ChildProcess;
  /** What was passed on, but for numbers: a fault that returns is not told again and again. */
  readonly #told = new Set<string>();

  constructor(options: DemoNodeOptions) {
    this.#options = options;
    const { directory, config } = options;
    const file = join(directory, 'vigie.yaml');
    writeFileSync(file, stringify(config));
    const arguments_ = ['run', '--config', file, '--data-dir', join(directory, 'data')];
    this.#child = spawn(join(packageRoot, 'bin/vigie'), arguments_, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.exit = new Promise((resolve) => this.#child.once('exit', (code) => resolve(code)));
    let rest = '';
    this.#child.stdout!.setEncoding('utf8').on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) this.#pass(line);
    });
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill('SIGTERM');
    await this.exit;
  }

  #pass(line: string): void {
    const { level, event, message } = parseLogLine(line);
    const { tells, say } = this.#options;
    if (level !== 'error' && level !== 'fatal' && !tells.test(event)) return;
    const what = message.replaceAll(/\d+/g, '#');
    if (this.#told.has(what)) return;
    // After something else it may be told again, as when a camera is lost another time.
    if (event.endsWith('.recovered')) this.#told.clear();
    else this.#told.add(what);
    say(`node:      ${message}`);
  }
}

function parseLogLine(line: string): { level: string; event: string; message: string } {
  try {
    const { level = '', event = '', message = '' } = JSON.parse(line);
    return { level, event, message };
  } catch {
    return { level: 'error', event: '', message: line };
  }
}

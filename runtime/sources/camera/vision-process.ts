/** One vision process: started, spoken to, killed. Decides nothing. */

import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { describeError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import { siblingModule } from '../../core/paths.ts';
import { type Bytes, bytes } from '../../core/units.ts';
import { encodeMessage, type Framed, MessageReader } from './framing.ts';
import type { FromVision, ToVision } from './messages.ts';

export interface VisionProcessOptions {
  readonly log: Log;
  /** Added to this process's own. */
  readonly env: Readonly<Record<string, string>>;
  readonly onMessage: (framed: Framed<FromVision>) => void;
  /** Once, however it ended. @param why for a person. */
  readonly onExit: (why: string) => void;
  /** The module it runs; for tests. */
  readonly module?: string;
}

/** The heap is small: pixels and tensors are outside. The rest keeps what many native threads allocate from spreading out. */
const NODE_OPTIONS = ['--max-old-space-size=96', '--max-semi-space-size=2'];
const ENVIRONMENT = { MALLOC_ARENA_MAX: '2' };
/** GStreamer and its plugins may write without end. */
const LINES_PER_START = 50;
const LONGEST_LINE = 500;

export class VisionProcess {
  readonly #options: VisionProcessOptions;
  readonly #child: ChildProcess;
  readonly #socket: Socket;
  readonly #reader = new MessageReader<FromVision>();
  #broken: string | undefined;
  #ended = false;
  readonly exited: Promise<void>;

  constructor(options: VisionProcessOptions) {
    this.#options = options;
    const module = options.module ?? fileURLToPath(siblingModule(import.meta.url, '../../vision/main'));
    // A socket pair of its own: what Node.js offers between processes has no bound on the length of a message.
    this.#child = spawn(process.execPath, [...NODE_OPTIONS, module], {
      stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...ENVIRONMENT, ...options.env },
    });
    this.#socket = this.#child.stdio[3] as Socket;
    this.#socket.on('data', (piece: Buffer) => this.#read(piece));
    // Its end is told by the process's own.
    this.#socket.on('error', () => {});
    this.#logLines();
    this.exited = new Promise((resolve) => {
      this.#child.once('error', (cause) => this.#end(describeError(cause), resolve));
      this.#child.once('exit', (code, signal) => {
        this.#end(this.#broken ?? (signal ? `ended by ${signal}` : `ended with status ${code}`), resolve);
      });
    });
  }

  /** Undefined when it could not be started. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  send(message: ToVision): void {
    if (this.#ended || !this.#socket.writable) return;
    for (const part of encodeMessage(message)) this.#socket.write(part);
  }

  /** Resident memory; undefined when it is gone. */
  resident(): Bytes | undefined {
    try {
      const [, kibibytes] =
        /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${this.pid}/status`, 'utf8')) ?? [];
      return kibibytes === undefined ? undefined : bytes(Number(kibibytes) * 1024);
    } catch {
      return undefined;
    }
  }

  /** Also ends a process that is stopped or hangs in native code. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }

  /** Asks it to end, and insists after `patience`. */
  async stop(patience: number): Promise<void> {
    this.#socket.end();
    const timer = setTimeout(() => this.kill(), patience);
    await this.exited;
    clearTimeout(timer);
  }

  #read(piece: Buffer): void {
    if (this.#ended || this.#broken !== undefined) return;
    try {
      for (const framed of this.#reader.read(piece)) this.#options.onMessage(framed);
    } catch (error) {
      this.#broken = describeError(error);
      this.kill();
    }
  }

  #end(why: string, resolve: () => void): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#socket.destroy();
    this.#options.onExit(why);
    resolve();
  }

  #logLines(): void {
    let lines = 0;
    let rest = '';
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      const parts = (rest + text).slice(-64 * LONGEST_LINE).split('\n');
      rest = parts.pop()!.slice(-LONGEST_LINE);
      for (const line of parts) {
        if (line === '' || ++lines > LINES_PER_START) continue;
        this.#options.log.warn(
          { event: 'vision.process.stderr', pid: this.pid },
          line.slice(0, LONGEST_LINE),
        );
      }
    });
  }
}

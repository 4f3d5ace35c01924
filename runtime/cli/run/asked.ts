/** What was asked of the process: by signals, or by the node itself. Further signals change nothing: Ctrl-C below npm comes twice. */

import type { VigieNode } from '../../node.ts';

export interface AskedOptions {
  /** Told of each reload that begins. */
  readonly onReload: (reload: Promise<unknown>) => void;
  /** Told once, when the process is to end. */
  readonly onEnd: () => void;
}

export class Asked {
  next: 'end' | 'restart' = 'restart';
  why = '';
  readonly #told: AskedOptions;
  #node: VigieNode | undefined;
  #stopped: ((late: readonly string[]) => void) | undefined;
  #reload = false;
  #end = false;

  constructor(told: AskedOptions) {
    this.#told = told;
    process.on('SIGHUP', () => {
      if (this.#node) this.#told.onReload(this.#node.reload());
      else this.#reload = true;
    });
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.on(signal, () => this.end());
    }
  }

  get ended(): boolean {
    return this.#end;
  }

  /** Whether the node is to start again once it has stopped. */
  get again(): boolean {
    return this.next === 'restart';
  }

  end(): void {
    if (!this.#end) this.#told.onEnd();
    this.#end = true;
    this.next = 'end';
    this.#stop();
  }

  /** @returns the names of those who did not stop in time, once the node stopped. */
  run(node: VigieNode): Promise<readonly string[]> {
    this.#node = node;
    return new Promise((resolve) => {
      this.#stopped = resolve;
    });
  }

  restart(reason: string): void {
    if (this.#end) return;
    this.next = 'restart';
    this.why = reason;
    // Whoever asks is a part of the node, and may have to end first.
    setImmediate(() => this.#stop());
  }

  reloadIfAsked(): void {
    if (this.#reload && this.#node) this.#told.onReload(this.#node.reload());
    this.#reload = false;
  }

  #stop(): void {
    const [node, stopped] = [this.#node, this.#stopped];
    this.#node = undefined;
    this.#stopped = undefined;
    if (node && stopped) void node.stop().then(stopped);
  }
}

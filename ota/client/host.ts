/** What the update client asks of the node that it updates. The node implements it; tests put a stand-in in its place. */

import type { VerifiedBundle } from '../bundle/bundle.ts';

/** A bundle in the store whose files are all there and verified. */
export interface InstalledBundle {
  readonly name: string;
  readonly release: number;
  /** SHA-256 of bundle.json, lower-case hexadecimal: the identity of the release's content. */
  readonly digest: string;
  readonly bundle: VerifiedBundle;
  /** Absolute path of a file that the bundle lists, by its path in the bundle. @throws for one that was not fetched. */
  readonly file: (path: string) => string;
}

/** What a trial looks at, since the model began to serve. */
export interface ServingMeasures {
  readonly inferences: number;
  readonly errors: number;
  /** What the last of them was, for a person. */
  readonly lastError?: string | undefined;
  /** How often a process ended over the model; left out where that would be the node's own. */
  readonly ends?: number;
  /** Milliseconds; undefined before the first inference. */
  readonly latencyP95: number | undefined;
  /** Bytes that the node's process holds now. */
  readonly rss: number;
  /** Inferences a second since the switch. */
  readonly rate: number;
  /** Of the model's score or best confidence, against what the trial holds it against; undefined before enough were seen. */
  readonly outputShift: number | undefined;
  /** Milliseconds for which the oldest inference under way has not come back; 0 where none is under way. */
  readonly waiting: number;
}

/** How outputs are spread: the bounds of their deciles, and for each the share below it, and up to and with it. */
export interface OutputSpread {
  readonly bounds: readonly number[];
  readonly below: readonly number[];
  readonly upTo: readonly number[];
}

/** What a successor's outputs are held against, by kind; empty where too few were seen. Plain numbers: it outlasts a restart. */
export type OutputReference = Readonly<Record<string, OutputSpread>>;

export interface ModelHost {
  /**
   * Which artifact of the bundle this node would run, why not the earlier ones, and what must be in the store for it:
   * paths in the bundle, manifest.json and golden vectors among them. Of the files, only manifest.json is there yet.
   * @throws ModelError `bundle-no-backend`
   */
  choose(bundle: InstalledBundle): {
    readonly artifact: string;
    readonly backend: string;
    readonly needs: readonly string[];
  };
  /** Runs the golden vectors on the chosen backend in a child process. @throws ModelError `selftest-failed`, with what differed */
  selftest(bundle: InstalledBundle, signal: AbortSignal): Promise<void>;
  /** The outputs of what serves now, for a trial that begins. */
  reference(name: string): OutputReference;
  /**
   * Loads and warms `bundle` beside what serves, routes over between two inferences, closes the old one when idle.
   * @param reference what `outputShift` is measured against; left out: the outputs of what serves now.
   */
  serve(bundle: InstalledBundle, reference?: OutputReference): Promise<{ readonly switchMs: number }>;
  /** undefined where nothing serves under this name. */
  measures(name: string): ServingMeasures | undefined;
  /** Nothing serves under this name any more: no release of it is good. */
  idle(name: string, reason: string): Promise<void>;
}

/** A signed assignment may carry the node's configuration; the same rules hold as for a model: trial, commit or back. */
export interface ConfigurationHost {
  /**
   * Checks it by the schema, keeps what runs now for `rollBack`, and runs on it; may end the process to do so.
   * @throws InputError `config-invalid` naming every problem; then nothing has changed.
   */
  apply(bytes: Uint8Array): Promise<void>;
  /** Why the node is not well on it (a component failed that ran before); undefined when it is. */
  trouble(): string | undefined;
  /** It was well for long enough: it stays. Until then a node that does not come up on it three times goes back by itself. */
  keep(): void;
  /** Back to what ran before `apply`, also after a restart. */
  rollBack(reason: string): Promise<void>;
}

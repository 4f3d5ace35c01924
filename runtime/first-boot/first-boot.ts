/**
 * What happens before the node runs, at every start: finish what a power cut interrupted, take over what somebody
 * dropped on the boot partition, settle who this node is, apply both, and answer on the partition. READ THIS FIRST.
 */

import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readJsonFile, writeFileAtomic } from '../core/atomic-file.ts';
import { describeError } from '../core/errors.ts';
import { nodeFileSystem } from '../core/file-system.ts';
import { errorText, issueText, type NodeFacts, nodeText, setupCodeText } from './answers.ts';
import { type Applied, apply } from './apply.ts';
import { droppedFileSystem } from './drop/dropped-file-system.ts';
import { recognise } from './drop/names.ts';
import type { Drop } from './drop/read-drop.ts';
import { describeHardware, readHardware } from './hardware.ts';
import { hostNameOf, type IdentityState, settleOrInvent } from './identity.ts';
import { finishMoveOff, moveOff } from './move-off.ts';
import { ANSWERS, DATA, ISSUE, REPORT } from './places.ts';
import type { FirstBootReport } from './report.ts';
import { isCode, makeCode } from './setup/code.ts';
import { finishTakeOver, takeOver } from './take-over.ts';

export interface FirstBootOptions {
  /** Where the boot partition is mounted. */
  readonly boot: string;
  /** What was dropped, where that is not the boot partition: the set-up page's folder. */
  readonly drop: string | undefined;
  readonly data: string;
  readonly root: string;
  /** Something must be mounted at `boot`: an empty folder is a missing partition. */
  readonly mounted: boolean;
  readonly version: string;
}

export interface FirstBootResult {
  readonly report: FirstBootReport;
  /** What was taken over, by name. */
  readonly took: readonly string[];
  readonly identity: IdentityState;
  /** While the node has no configuration. */
  readonly setupCode: string | undefined;
}

const NOTHING: Drop = {
  changes: [],
  moved: [],
  digests: {},
  left: {},
  took: [],
  problems: [],
  wish: undefined,
};

/** Never throws for anything on either partition: a node that starts can be mended. */
export async function firstBoot(options: FirstBootOptions): Promise<FirstBootResult> {
  const { data, root } = options;
  const run = new Run(options);
  run.say(readText(join(root, 'run/vigie-image/data-problem')), 'nothing is kept over a restart');
  run.attempt('what the last start began cannot be finished', () => finishTakeOver(data));
  const { drop, taken } = await run.takeDrop();
  const hardware = readHardware(root);
  const { identity, state, problem } = settleOrInvent(data, hardware, drop.wish);
  run.say(problem);
  if (state === 'moved') {
    const boards = `${describeHardware(identity.hardware)}, and this one is ${describeHardware(hardware)}`;
    run.say(
      `this card was set up on another board (${boards}). Two nodes with one identity disturb each other: if this is a copy, put an empty file new-identity.txt on the boot partition, if the board was replaced, keep-identity.txt, and start again`,
    );
  }
  if (taken) run.moveOff(drop);
  const setupCode = run.setupCode();
  const applied = apply({ data, root, hostname: hostNameOf(identity) });
  run.problems.push(...applied.problems);
  const { hostname } = applied;
  const node = { id: identity.id, hostname };
  const secrets =
    run.attempt('secrets cannot be listed', () => nodeFileSystem.list(join(data, DATA.secrets))) ?? [];
  const report: FirstBootReport = { schema: 1, node, problems: run.problems, secrets: secrets.sort() };
  run.answer(identity.id, applied, setupCode);
  run.attempt('the report cannot be written', () => writeReport(root, report));
  run.attempt('the screen cannot be told', () =>
    writeIssue(root, issueText(hostname, setupCode, run.problems)),
  );
  return { report, took: taken ? drop.took : [], identity: state, setupCode };
}

class Run {
  readonly problems: string[] = [];
  readonly #options: FirstBootOptions;
  /** Of what lies on the boot partition, for the answer there. */
  readonly #boot: boolean;

  constructor(options: FirstBootOptions) {
    this.#options = options;
    this.#boot = this.#bootIsThere();
  }

  say(problem: string | undefined, consequence = ''): void {
    if (problem) this.problems.push(consequence ? `${problem.trim()}; ${consequence}` : problem);
  }

  attempt<T>(what: string, act: () => T): T | undefined {
    try {
      return act();
    } catch (error) {
      this.problems.push(`${what}: ${describeError(error)}`);
      return undefined;
    }
  }

  /** @returns what was found, and whether it is on the data partition now. */
  async takeDrop(): Promise<{ drop: Drop; taken: boolean }> {
    const { boot, data } = this.#options;
    const from = this.#options.drop ?? (this.#boot ? boot : undefined);
    if (from === undefined) return { drop: NOTHING, taken: false };
    this.attempt('the boot partition cannot be cleared', () => finishMoveOff(from));
    const before = this.#taken();
    const drop = await this.#readDrop(from, before);
    this.problems.push(...drop.problems);
    const record = JSON.stringify(drop.left);
    const changes = [...drop.changes];
    if (record !== JSON.stringify(before)) changes.push({ path: DATA.taken, bytes: Buffer.from(record) });
    const taken = this.attempt('nothing was taken over', () => {
      takeOver(data, changes);
      return true;
    });
    return { drop, taken: taken ?? false };
  }

  /** Most starts find nothing, and then neither parser nor schema is loaded. */
  async #readDrop(from: string, before: Readonly<Record<string, string>>): Promise<Drop> {
    const { data } = this.#options;
    try {
      const { entries, problems } = recognise(droppedFileSystem.list(from));
      if (Object.keys(entries).length === 0 && problems.length === 0) return NOTHING;
      const { readDrop } = await import('./drop/read-drop.ts');
      return readDrop({ fs: droppedFileSystem, from, data, before });
    } catch (error) {
      this.problems.push(`what was dropped cannot be read: ${describeError(error)}`);
      return NOTHING;
    }
  }

  /** What cannot be taken off is remembered, so that it does not undo later changes at every start. */
  moveOff({ moved, digests }: Drop): void {
    const { boot, data } = this.#options;
    const from = this.#options.drop ?? boot;
    try {
      if (moved.length > 0) moveOff(from, moved);
    } catch (error) {
      this.problems.push(
        `${moved.join(', ')}: taken over, and cannot be taken off the boot partition (${describeError(error)}): delete it with a computer`,
      );
      this.attempt('what was taken over cannot be noted', () =>
        takeOver(data, [{ path: DATA.taken, bytes: Buffer.from(JSON.stringify(digests)) }]),
      );
    }
  }

  /** The same at every start until it is used: who reads it off the card has to start the node after that. */
  setupCode(): string | undefined {
    const { data } = this.#options;
    if (this.#isConfigured()) {
      this.attempt('the set-up code cannot be taken back', () =>
        nodeFileSystem.remove(join(data, DATA.setupCode)),
      );
      return undefined;
    }
    const kept = readText(join(data, DATA.setupCode))?.trim();
    if (kept !== undefined && isCode(kept)) return kept;
    const code = makeCode();
    this.attempt('the set-up code cannot be kept', () =>
      takeOver(data, [{ path: DATA.setupCode, bytes: Buffer.from(`${code}\n`) }]),
    );
    return code;
  }

  answer(id: string, { hostname, sshFingerprint }: Applied, code: string | undefined): void {
    if (!this.#boot) return;
    const { version } = this.#options;
    const facts: NodeFacts = { id, hostname, sshFingerprint, configured: this.#isConfigured(), version };
    this.#write(ANSWERS.node, nodeText(facts));
    this.#write(ANSWERS.setupCode, code && setupCodeText(hostname, code));
    this.#write(ANSWERS.errors, this.problems.length > 0 ? errorText(hostname, this.problems) : undefined);
  }

  /** Written only where it changes: every write is a risk for a FAT, and wears the card. */
  #write(name: string, text: string | undefined): void {
    const path = join(this.#options.boot, name);
    this.attempt(`${name} cannot be written`, () => {
      if (text === undefined) nodeFileSystem.remove(path);
      else if (readText(path) !== text) writeFileAtomic(path, text);
    });
  }

  #isConfigured(): boolean {
    return existsSync(join(this.#options.data, DATA.configuration));
  }

  #taken(): Readonly<Record<string, string>> {
    try {
      return (readJsonFile(join(this.#options.data, DATA.taken)) ?? {}) as Record<string, string>;
    } catch {
      // Damaged: what is still there is taken over once more.
      return {};
    }
  }

  #bootIsThere(): boolean {
    const { boot, mounted } = this.#options;
    const advice =
      'nothing can be taken over from it; put the card into a computer and have it checked, or write the image again';
    try {
      // Looking into it is what mounts it.
      nodeFileSystem.list(boot);
      const isThere = existsSync(boot) && (!mounted || statSync(boot).dev !== statSync(dirname(boot)).dev);
      if (isThere) return true;
      this.problems.push(`the boot partition is not there or is damaged: ${advice}`);
    } catch (error) {
      this.problems.push(`the boot partition cannot be read (${describeError(error)}): ${advice}`);
    }
    return false;
  }
}

function writeReport(root: string, report: FirstBootReport): void {
  const path = join(root, REPORT);
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  writeFileAtomic(path, `${JSON.stringify(report)}\n`, 0o644);
}

/** The code on it is for who sees the screen, not for every user of the machine. */
function writeIssue(root: string, text: string): void {
  const path = join(root, ISSUE);
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  writeFileAtomic(path, text, 0o600);
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

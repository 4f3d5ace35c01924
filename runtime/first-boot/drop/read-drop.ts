/** Everything that lies on the boot partition for us: read, checked, and turned into changes of the data partition. */

import { createHash } from 'node:crypto';
import { describeError, InputError } from '../../core/errors.ts';
import type { FileSystem } from '../../core/file-system.ts';
import { parseMachine } from '../machine/read.ts';
import { renderMachine } from '../machine/render.ts';
import { DATA } from '../places.ts';
import { readBounded } from '../read-bounded.ts';
import type { Change } from '../take-over.ts';
import { checkConfiguration, formatProblems, type Reference, references } from './configuration.ts';
import { type DroppedFile, readFolder } from './folder.ts';
import { type Role, recognise } from './names.ts';
import { checkSshKeys } from './ssh-keys.ts';
import { decodeText } from './text.ts';

export interface Drop {
  readonly changes: readonly Change[];
  /** Files of the boot partition that are to go once the changes are made. */
  readonly moved: readonly string[];
  /** SHA-256 of each that was taken over, by name. */
  readonly digests: Readonly<Record<string, string>>;
  /** Those of them that stay nevertheless, for a person to correct. */
  readonly left: Readonly<Record<string, string>>;
  /** What was taken over, for people. */
  readonly took: readonly string[];
  /** `vigie.yaml:3:5: …`: what a person has to mend. */
  readonly problems: readonly string[];
  /** What the person asks of the identity. */
  readonly wish: 'new' | 'keep' | undefined;
}

export interface DropOptions {
  readonly fs: FileSystem;
  /** The folder with what was dropped. */
  readonly from: string;
  readonly data: string;
  /** Digests of what the last start took over and left there. */
  readonly before: Readonly<Record<string, string>>;
}

type Entries = Readonly<Partial<Record<Role, string>>>;

const MOST_CONFIGURATION = 1 << 20;
const MOST_OTHER = 64 * 1024;
const FOLDERS = [
  ['secrets', DATA.secrets],
  ['files', DATA.configDirectory],
] as const;

/** @throws what the file system throws when the folder cannot be listed. */
export function readDrop(options: DropOptions): Drop {
  const { entries, problems } = recognise(options.fs.list(options.from));
  const reader = new DropReader(options);
  reader.problems.push(...problems.map(({ name, message }) => `${name}: ${message}`));
  return reader.read(entries);
}

class DropReader {
  readonly problems: string[] = [];
  readonly #options: DropOptions;
  readonly #changes: Change[] = [];
  readonly #moved: string[] = [];
  readonly #digests: Record<string, string> = {};
  readonly #left: Record<string, string> = {};
  readonly #took: string[] = [];

  constructor(options: DropOptions) {
    this.#options = options;
  }

  read(entries: Entries): Drop {
    this.#configuration(entries);
    this.#oneFile(entries.network, (text, name) => {
      const { config, problems } = parseMachine(text);
      return config ? renderMachine(config) : formatProblems(name, problems);
    });
    this.#oneFile(entries.sshKeys, (text, name) => {
      const { keys, problems } = checkSshKeys(text);
      if (problems.length > 0) return formatProblems(name, problems);
      // A file without keys turns SSH off again.
      const change = keys.length > 0 ? { bytes: Buffer.from(`${keys.join('\n')}\n`) } : {};
      return [{ path: DATA.sshKeys, ...change }];
    });
    const { newIdentity, keepIdentity } = entries;
    this.#moved.push(...[newIdentity, keepIdentity].filter((name) => name !== undefined));
    return {
      changes: this.#changes,
      moved: this.#moved,
      digests: this.#digests,
      left: this.#left,
      took: this.#took,
      problems: this.problems,
      wish: newIdentity ? 'new' : keepIdentity ? 'keep' : undefined,
    };
  }

  /** vigie.yaml, the secrets and the files that it names go together: none is of use without the others. */
  #configuration(entries: Entries): void {
    const { fs, from } = this.#options;
    const { configuration: name } = entries;
    const text = name === undefined ? undefined : this.#text(name, MOST_CONFIGURATION);
    if (name !== undefined && text === undefined) return;
    const named = references(text ?? this.#current());
    const dropped = { secrets: [] as readonly DroppedFile[], files: [] as readonly DroppedFile[] };
    const litter: string[] = [];
    for (const [kind] of FOLDERS) {
      const folder = entries[kind];
      if (folder === undefined) continue;
      const names = new Set(named.filter((one) => one.kind === kind).map((one) => one.name));
      const contents = readFolder(fs, from, folder, names);
      this.problems.push(...contents.problems);
      dropped[kind] = contents.files;
      litter.push(...contents.litter);
    }
    if (name !== undefined && text !== undefined && !this.#takeConfiguration(name, text, dropped)) return;
    for (const [kind, target] of FOLDERS) {
      for (const { name: file, path, bytes } of dropped[kind]) {
        this.#changes.push({ path: `${target}/${file}`, bytes });
        this.#moved.push(path);
        this.#took.push(path);
      }
    }
    this.#moved.push(...litter);
  }

  /** @returns whether what it names may follow. */
  #takeConfiguration(
    name: string,
    text: string,
    dropped: Readonly<Record<Reference['kind'], readonly DroppedFile[]>>,
  ): boolean {
    const { fs, data, before } = this.#options;
    const known = (kind: Reference['kind'], directory: string) =>
      new Set([...fs.list(`${data}/${directory}`), ...dropped[kind].map((file) => file.name)]);
    const { verdict, problems } = checkConfiguration(
      text,
      { secrets: known('secrets', DATA.secrets), files: known('files', DATA.configDirectory) },
      ({ kind }) => `put a file of that name into the folder ${kind} beside ${name}`,
    );
    this.problems.push(...formatProblems(name, problems));
    if (verdict === 'refused') return false;
    const digest = digestOf(text);
    this.#digests[name] = digest;
    const isOld = before[name] === digest;
    if (!isOld) this.#changes.push({ path: DATA.configuration, bytes: Buffer.from(text) });
    if (!isOld) this.#took.push(name);
    // What still has problems stays where the person can mend it.
    if (verdict === 'quarantine') this.#left[name] = digest;
    else this.#moved.push(name);
    return true;
  }

  /** @param take gives the changes, or what is wrong with the file, which then stays. */
  #oneFile(name: string | undefined, take: (text: string, name: string) => (Change | string)[]): void {
    const text = name === undefined ? undefined : this.#text(name, MOST_OTHER);
    if (name === undefined || text === undefined) return;
    const found = take(text, name);
    const wrong = found.filter((one) => typeof one === 'string');
    this.problems.push(...wrong);
    if (wrong.length > 0) return;
    this.#moved.push(name);
    const digest = digestOf(text);
    this.#digests[name] = digest;
    // Taken over before, by a start that could not take it off.
    if (this.#options.before[name] === digest) return;
    this.#changes.push(...found.filter((one) => typeof one !== 'string'));
    this.#took.push(name);
  }

  #current(): string {
    const { fs, data } = this.#options;
    try {
      const bytes = readBounded(fs, `${data}/${DATA.configuration}`, MOST_CONFIGURATION);
      return Buffer.from(bytes ?? []).toString();
    } catch {
      return '';
    }
  }

  #text(name: string, most: number): string | undefined {
    const { fs, from } = this.#options;
    try {
      const bytes = readBounded(fs, `${from}/${name}`, most);
      if (!bytes) throw new InputError('no-file', 'is no file');
      return decodeText(bytes);
    } catch (error) {
      this.problems.push(`${name}: ${unreadable(error)}`);
      return undefined;
    }
  }
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function unreadable(error: unknown): string {
  if (error instanceof InputError) return error.message;
  if ((error as NodeJS.ErrnoException).code === 'EISDIR') return 'is a folder; expected a file';
  return `cannot be read, the card may be damaged: ${describeError(error)}`;
}

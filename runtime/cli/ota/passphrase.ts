/** Passphrases come from a file, a file descriptor or the terminal: never from an argument, which other users can see. */

import { readFileSync } from 'node:fs';
import { InputError, UsageError } from '../../core/errors.ts';

export const PASSPHRASE_OPTIONS = {
  'passphrase-file': { type: 'string' },
  'passphrase-fd': { type: 'string' },
} as const;

export const PASSPHRASE_HELP = `  --passphrase-file FILE  first line of a file that only you can read, such as a systemd credential
  --passphrase-fd N       first line of an open file descriptor: --passphrase-fd 3 3< <(pass show ota)
                          (default: asked on the terminal)`;

export interface PassphraseValues {
  readonly 'passphrase-file'?: string | undefined;
  readonly 'passphrase-fd'?: string | undefined;
}

const MOST_BYTES = 4096;

/** What to say when a passphrase is asked for, and whether it is a new one, which is asked for twice. */
export interface Question {
  readonly what: string;
  readonly fresh?: boolean;
}

/** Asks as often as it is called; a file or descriptor answers the same each time. */
export type Ask = (question: Question) => Promise<string>;

/** @throws UsageError for both options together; the answer: InputError `ota-passphrase-missing` */
export function passphraseFrom(values: PassphraseValues): Ask & { readonly interactive: boolean } {
  const { 'passphrase-file': file, 'passphrase-fd': descriptor } = values;
  if (file !== undefined && descriptor !== undefined)
    throw new UsageError('usage', 'give --passphrase-file or --passphrase-fd, not both');
  const fd = descriptor === undefined ? undefined : Number(descriptor);
  if (fd !== undefined && !(Number.isSafeInteger(fd) && fd >= 0))
    throw new UsageError('usage', `--passphrase-fd takes the number of an open file, not '${descriptor}'`);
  const source = file ?? fd;
  if (source === undefined) return Object.assign(askOnTerminal, { interactive: true });
  let known: string | undefined;
  const answer = async () => {
    known ??= firstLine(source);
    return known;
  };
  return Object.assign(answer, { interactive: false });
}

function firstLine(source: string | number): string {
  const name = typeof source === 'number' ? `file descriptor ${source}` : source;
  let bytes: Buffer;
  try {
    bytes = readFileSync(source);
  } catch (cause) {
    throw new InputError('ota-passphrase-missing', `cannot read a passphrase from ${name}`, { cause });
  }
  const [line = ''] = bytes.subarray(0, MOST_BYTES).toString('utf8').split(/\r?\n/);
  if (line !== '') return line;
  throw new InputError('ota-passphrase-missing', `${name} has no passphrase in its first line`);
}

async function askOnTerminal({ what, fresh }: Question): Promise<string> {
  if (!process.stdin.isTTY) {
    const text = `no terminal to ask for the passphrase of ${what}: use --passphrase-file or --passphrase-fd`;
    throw new InputError('ota-passphrase-missing', text);
  }
  const first = await readHidden(`Passphrase for ${what}: `);
  if (!fresh || (await readHidden('The same again: ')) === first) return first;
  throw new InputError('ota-passphrase-differs', 'the two are not the same: nothing was made');
}

const ENTER = ['\r', '\n', '\x04'];
const BACKSPACE = ['\x7f', '\b'];
const INTERRUPT = '\x03';

/** Without an echo of what is typed. */
function readHidden(prompt: string): Promise<string> {
  const { stdin, stderr } = process;
  // First: who types as soon as the prompt is there must not see it on the screen.
  stdin.setRawMode(true);
  stderr.write(prompt);
  stdin.setEncoding('utf8');
  stdin.resume();
  return new Promise((resolve, reject) => {
    let line = '';
    const end = (finish: () => void) => {
      stdin.off('data', onData);
      stdin.setRawMode(false);
      stdin.pause();
      stderr.write('\n');
      finish();
    };
    const onData = (text: string) => {
      for (const letter of text) {
        if (ENTER.includes(letter)) return end(() => resolve(line));
        if (letter === INTERRUPT)
          return end(() => reject(new InputError('ota-passphrase-missing', 'no passphrase was given')));
        line = BACKSPACE.includes(letter) ? [...line].slice(0, -1).join('') : line + letter;
      }
    };
    stdin.on('data', onData);
  });
}

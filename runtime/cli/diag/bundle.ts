/** Puts the parts of a support bundle together: without secrets, bounded, in one order. */

import { gzipSync } from 'node:zlib';
import { describeError, VigieError } from '../../core/errors.ts';
import type { Part } from './collect.ts';
import type { Redactor } from './redact.ts';
import { type TarFile, tar } from './tar.ts';

export const MOST_PART = 4 * 1024 ** 2;
export const MOST_TOTAL = 16 * 1024 ** 2;

export interface BundleOptions {
  readonly parts: readonly Part[];
  readonly redactor: Redactor;
  /** Folder in the archive. */
  readonly name: string;
  /** Seconds since 1970. */
  readonly time: number;
}

export interface Bundle {
  readonly bytes: Buffer;
  /** What could not be had, by part. */
  readonly missing: Readonly<Record<string, string>>;
}

/** @throws VigieError `diag-unsafe` when a secret is still in it, which nothing must come of. */
export async function makeBundle({ parts, redactor, name, time }: BundleOptions): Promise<Bundle> {
  const missing: Record<string, string> = {};
  const texts = new Map<string, string>();
  let total = 0;
  for (const part of parts) {
    try {
      const text = cut(
        redacted(part.name, await part.make(), redactor),
        Math.min(MOST_PART, MOST_TOTAL - total),
        part.keep,
      );
      total += Buffer.byteLength(text);
      texts.set(part.name, text);
    } catch (error) {
      missing[part.name] = redactor.text(describeError(error));
    }
  }
  texts.set('missing.json', `${JSON.stringify(missing, null, 2)}\n`);
  const files: TarFile[] = [];
  for (const [file, text] of texts) {
    if (!redactor.isClean(text))
      throw new VigieError(
        'diag-unsafe',
        `no bundle was made: a secret would have been in ${file}; please report this`,
      );
    files.push({ name: `${name}/${file}`, content: Buffer.from(text) });
  }
  return { bytes: gzipSync(tar(files, time), { level: 9 }), missing };
}

/** JSON stays JSON; what should be and is not is text. */
function redacted(name: string, text: string, redactor: Redactor): string {
  const document = (json: string, indent?: number) =>
    JSON.stringify(redactor.value(JSON.parse(json)), null, indent);
  try {
    if (name.endsWith('.json')) return `${document(text, 2)}\n`;
    if (name.endsWith('.jsonl')) return text.replaceAll(/[^\n]+/g, (line) => document(line));
  } catch {}
  return redactor.text(text);
}

/** Whole lines, and that something is left out. */
function cut(text: string, most: number, keep: Part['keep']): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= most) return text;
  const note = `(${bytes.length - most} bytes left out)\n`;
  if (keep === 'begin')
    return `${bytes
      .subarray(0, most)
      .toString('utf8')
      .replace(/[^\n]*$/, '')}${note}`;
  return `${note}${bytes
    .subarray(bytes.length - most)
    .toString('utf8')
    .replace(/^[^\n]*\n/, '')}`;
}

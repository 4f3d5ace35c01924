/** Text as editors on Windows, macOS and Linux save it, to plain UTF-8 with line feeds. Lines and columns stay. */

import { InputError } from '../../core/errors.ts';

const BYTE_ORDER_MARK = '\uFEFF';

/**
 * @throws InputError `not-text` when it is neither UTF-8 nor UTF-16 with a byte order mark.
 */
export function decodeText(bytes: Uint8Array): string {
  const text = decode(bytes);
  const unmarked = text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text;
  return unmarked.replace(/\r\n?/g, '\n');
}

function decode(bytes: Uint8Array): string {
  const [first, second] = bytes;
  const utf16 =
    first === 0xff && second === 0xfe
      ? 'utf-16le'
      : first === 0xfe && second === 0xff
        ? 'utf-16be'
        : undefined;
  try {
    // The mark is kept here and taken off above, so that UTF-8 and UTF-16 go the same way.
    const text = new TextDecoder(utf16 ?? 'utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    if (!text.includes('\0')) return text;
  } catch {}
  throw new InputError(
    'not-text',
    'is not text: save it as plain text in UTF-8 (not as a document of a word processor)',
  );
}

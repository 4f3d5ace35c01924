/** Keeps a hand-written file's own lines where a rewritten one says the same. Pure. */

import { isDeepStrictEqual } from 'node:util';
import { parse } from 'yaml';

/** The lines between what both have in common at the beginning and at the end: more are not compared one by one. */
const MOST_COMPARED = 2000;

/**
 * The YAML library writes a document in its own layout. Lines that an edit did not touch come out as they were.
 * @param text as the person wrote it. @param before the same in the library's layout. @param after the edited document.
 */
export function withOldLayout(text: string, before: string, after: string): string {
  if (before === after) return text;
  const own = text.split('\n');
  const [old, fresh] = [before.split('\n'), after.split('\n')];
  if (own.length !== old.length) return after;
  const merged = pairs(old, fresh)
    .map((index, line) => (index === undefined ? fresh[line]! : own[index]!))
    .join('\n');
  return isSame(merged, after) ? merged : after;
}

function isSame(one: string, other: string): boolean {
  try {
    return isDeepStrictEqual(parse(one), parse(other));
  } catch {
    return false;
  }
}

/** For each line of `fresh` the same line of `old`, along a longest common subsequence. */
function pairs(old: readonly string[], fresh: readonly string[]): (number | undefined)[] {
  const most = Math.min(old.length, fresh.length);
  let head = 0;
  while (head < most && old[head] === fresh[head]) head++;
  let tail = 0;
  while (tail < most - head && old.at(-1 - tail) === fresh.at(-1 - tail)) tail++;
  const middle = between(old.slice(head, old.length - tail), fresh.slice(head, fresh.length - tail));
  return fresh.map((_, line) => {
    if (line < head) return line;
    if (line >= fresh.length - tail) return line - fresh.length + old.length;
    const index = middle[line - head];
    return index === undefined ? undefined : head + index;
  });
}

function between(old: readonly string[], fresh: readonly string[]): (number | undefined)[] {
  const none = new Array<number | undefined>(fresh.length).fill(undefined);
  if (old.length > MOST_COMPARED || fresh.length > MOST_COMPARED) return none;
  const width = fresh.length + 1;
  const longest = new Uint16Array((old.length + 1) * width);
  for (let i = old.length - 1; i >= 0; i--) {
    for (let j = fresh.length - 1; j >= 0; j--) {
      const [below, beside] = [longest[(i + 1) * width + j]!, longest[i * width + j + 1]!];
      longest[i * width + j] =
        old[i] === fresh[j] ? longest[(i + 1) * width + j + 1]! + 1 : Math.max(below, beside);
    }
  }
  for (let i = 0, j = 0; i < old.length && j < fresh.length; ) {
    if (old[i] === fresh[j]) none[j++] = i++;
    else if (longest[(i + 1) * width + j]! >= longest[i * width + j + 1]!) i++;
    else j++;
  }
  return none;
}

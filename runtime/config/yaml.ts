/** YAML text to plain data, keeping where each key stands. */

import {
  type Document,
  isCollection,
  isMap,
  isNode,
  isPair,
  isScalar,
  LineCounter,
  type Node,
  parseDocument,
} from 'yaml';
import { describeError, InputError } from '../core/errors.ts';
import type { Problem } from './problem.ts';

export interface Place {
  readonly line: number;
  readonly column: number;
}

export interface ParsedYaml {
  readonly value: unknown;
  /** Syntax errors and duplicate keys. */
  readonly problems: readonly Problem[];
  /** Where the value at `path` stands, or its nearest parent that is in the file. */
  locate(path: readonly PropertyKey[]): Place;
  /** Where the key itself stands, for keys that should not be there. */
  locateKey(path: readonly PropertyKey[], key: string): Place;
}

/** A configuration is text a person wrote: larger than this is a mistake, and would starve a small board. */
const MAX_LENGTH = 16 * 1024 * 1024;

/** An anchor may stand for what every tag of a large plant has; a file whose anchors nest to explode needs far more. */
const MAX_ALIASES = 10_000;
/** Some editors write one; it would shift the columns of the first line. */
const BYTE_ORDER_MARK = '\uFEFF';
/** What bytes become that are no UTF-8. */
const REPLACEMENT = '\uFFFD';

/** @throws InputError `config-too-large`. Everything else that is wrong with the text is in `problems`. */
export function parseYaml(content: string): ParsedYaml {
  const text = content.startsWith(BYTE_ORDER_MARK) ? content.slice(1) : content;
  if (text.length > MAX_LENGTH) {
    throw new InputError(
      'config-too-large',
      `the configuration has ${text.length} characters; at most ${MAX_LENGTH} are read`,
    );
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  const at = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };
  const problems = document.errors.map(
    (error): Problem => ({ path: [], ...at(error.pos[0]), message: error.message }),
  );
  const foreign = text.indexOf(REPLACEMENT);
  if (foreign >= 0)
    problems.push({ path: [], ...at(foreign), message: 'not UTF-8 text: save the file in UTF-8' });
  const value = problems.length > 0 ? undefined : toPlain(document, problems);
  return {
    value,
    problems,
    locate: (path) => at(offsetOf(document.contents, path)),
    locateKey: (path, key) => at(keyOffset(document.contents, path, key)),
  };
}

/** Aliases can still go wrong here: to nowhere, or so many that the data would explode. */
function toPlain(document: Document, problems: Problem[]): unknown {
  try {
    return document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (error) {
    problems.push({ path: [], line: 1, column: 1, message: describeError(error) });
    return undefined;
  }
}

function offsetOf(root: Node | null, path: readonly PropertyKey[]): number {
  let node: unknown = root;
  let offset = root?.range?.[0] ?? 0;
  for (const part of path) {
    if (!isCollection(node)) break;
    const next: unknown = node.get(part, true);
    if (!isNode(next)) break;
    node = next;
    offset = next.range?.[0] ?? offset;
  }
  return offset;
}

function keyOffset(root: Node | null, path: readonly PropertyKey[], key: string): number {
  let node: unknown = root;
  for (const part of path) node = isCollection(node) ? node.get(part, true) : undefined;
  if (isMap(node)) {
    for (const pair of node.items) {
      if (isPair(pair) && isScalar(pair.key) && String(pair.key.value) === key)
        return pair.key.range?.[0] ?? 0;
    }
  }
  return offsetOf(root, path);
}

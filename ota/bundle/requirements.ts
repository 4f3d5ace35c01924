/** Whether a bundle is for a node: its requirements against what the node is. Pure. */

import type { BundleRequirements } from './bundle.ts';

export interface NodeFacts {
  /** Of Vigie, such as `0.4.1`. */
  readonly runtime: string;
  /** Name of the device profile. */
  readonly board: string;
  /** `process.arch`. */
  readonly architecture: string;
  /** Bytes that are free, or can be made free. */
  readonly ramBytes: number;
  readonly diskBytes: number;
}

/** @returns what is not met, a sentence each; empty when the bundle is for this node. */
export function unmetRequirements(requires: BundleRequirements, node: NodeFacts): string[] {
  const { runtime, boards, architectures, ramBytes = 0, diskBytes = 0 } = requires;
  const unmet: string[] = [];
  if (runtime !== undefined && !inRange(node.runtime, runtime))
    unmet.push(`it is for vigie ${runtime}, this is ${node.runtime}`);
  if (boards && !boards.includes(node.board))
    unmet.push(`it is for the boards ${boards.join(', ')}, this is ${node.board}`);
  if (architectures && !architectures.includes(node.architecture))
    unmet.push(`it is for ${architectures.join(', ')}, this is ${node.architecture}`);
  if (ramBytes > node.ramBytes) unmet.push(`it needs ${ramBytes} bytes of memory, ${node.ramBytes} are free`);
  if (diskBytes > node.diskBytes)
    unmet.push(`it needs ${diskBytes} bytes of disk, ${node.diskBytes} are free`);
  return unmet;
}

type Version = readonly [major: number, minor: number, patch: number];

/**
 * Ranges as in package.json, as far as bundles need them: comparisons `>= > < <= =`, `^` and `~`, joined by spaces (all
 * hold) and `||` (one holds). What is behind a `-` or `+` in the node's version does not count: a release candidate runs
 * what its release runs. A range that cannot be read holds for no version.
 */
export function inRange(version: string, range: string): boolean {
  const [is] = readVersion(version.replace(/[-+].*$/, '')) ?? [];
  if (!is) return false;
  return range.split('||').some((all) => {
    const terms = all
      .trim()
      .replace(/([<>=^~]) +/g, '$1')
      .split(/ +/);
    return terms.every((term) => holds(is, term));
  });
}

function holds(is: Version, term: string): boolean {
  if (term === '*') return true;
  const [, sign = '', text = ''] = /^(>=|<=|>|<|=|\^|~|)(.*)$/.exec(term) ?? [];
  const [wanted, given] = readVersion(text) ?? [];
  if (!wanted || !given) return false;
  if (sign === '>=') return order(is, wanted) >= 0;
  if (sign === '<') return order(is, wanted) < 0;
  if (sign === '>') return order(is, given < 3 ? next(wanted, given) : wanted) >= (given < 3 ? 0 : 1);
  if (sign === '<=') return given < 3 ? order(is, next(wanted, given)) < 0 : order(is, wanted) <= 0;
  return order(is, wanted) >= 0 && order(is, next(wanted, partsKept(sign, wanted, given))) < 0;
}

/** How many leading numbers of a version must be the same. */
function partsKept(sign: string, wanted: Version, given: number): number {
  if (sign === '~') return Math.min(2, given);
  if (sign !== '^') return given;
  const first = wanted.findIndex((number) => number > 0);
  return Math.min(given, first < 0 ? 3 : first + 1);
}

/** The first version that differs in the first `kept` numbers. */
function next([major, minor, patch]: Version, kept: number): Version {
  if (kept <= 1) return [major + 1, 0, 0];
  return kept === 2 ? [major, minor + 1, 0] : [major, minor, patch + 1];
}

/** And how many of the three numbers were written. */
function readVersion(text: string): [Version, number] | undefined {
  const match = /^(\d{1,9})(?:\.(\d{1,9}))?(?:\.(\d{1,9}))?$/.exec(text);
  if (!match) return undefined;
  const numbers = match.slice(1).filter((part) => part !== undefined);
  const [major = 0, minor = 0, patch = 0] = numbers.map(Number);
  return [[major, minor, patch], numbers.length];
}

function order(one: Version, other: Version): number {
  for (let at = 0; at < 3; at++) if (one[at] !== other[at]) return one[at]! - other[at]!;
  return 0;
}

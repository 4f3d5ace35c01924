/** Shapes and other quantities as the command line writes them. */

import { UsageError } from '../../core/errors.ts';

export type NamedShapes = Readonly<Record<string, readonly number[]>>;

/** `input=1x3x416x416` or `input=1,3,416,416`, once for each input. @throws UsageError */
export function parseShapes(texts: readonly string[] = []): NamedShapes {
  return Object.fromEntries(texts.map(parseShape));
}

function parseShape(text: string): [string, number[]] {
  // Names of inputs may hold anything, '=' and 'x' too: the shape is what follows the last '='.
  const match = /^(.+)=(\d+(?:[x,]\d+)*|scalar)$/.exec(text);
  const dims = match?.[2] === 'scalar' ? [] : match?.[2]?.split(/[x,]/).map(Number);
  if (match && dims?.every((dim) => dim <= 2 ** 31)) return [match[1]!, dims];
  throw new UsageError('usage', `--shape takes NAME=1x3x416x416, found '${text}'`);
}

/** A whole number between two bounds. @throws UsageError naming the option. */
export function wholeNumber(option: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw new UsageError('usage', `--${option} takes a whole number from ${least} to ${most}, found '${text}'`);
}

/** Whole numbers separated by commas: `1,2,4`. */
export const wholeNumbers = (option: string, text: string, least: number, most: number): number[] =>
  text.split(',').map((part) => wholeNumber(option, part.trim(), least, most));

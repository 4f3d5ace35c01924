/** Which of two versions of an image is older. */

/**
 * Numbers as numbers, letters as letters, `~` before everything, even the end: 1.9 < 1.10, 1.0~rc1 < 1.0 < 1.0+2.
 * @returns below 0 when `a` is older than `b`, 0 when neither is, above 0 when `b` is older.
 */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [parts(a), parts(b)];
  for (let index = 0; index < Math.max(left.length, right.length); index++) {
    const order = compareParts(left[index] ?? '', right[index] ?? '');
    if (order !== 0) return order;
  }
  return 0;
}

/** Runs of digits, and everything else by character. */
const parts = (version: string): readonly string[] => version.match(/\d+|\D/g) ?? [];

function compareParts(a: string, b: string): number {
  const [left, right] = [rank(a), rank(b)];
  if (left !== right) return left - right;
  if (!isNumber(a)) return a < b ? -1 : Number(a > b);
  const difference = BigInt(a) - BigInt(b);
  return difference < 0n ? -1 : Number(difference > 0n);
}

/** `~`, then the end, then letters, then `.`, `-` and `+`, then numbers. */
function rank(part: string): number {
  if (part === '~') return 0;
  if (part === '') return 1;
  if (/^[A-Za-z]$/.test(part)) return 2;
  return isNumber(part) ? 4 : 3;
}

const isNumber = (part: string): boolean => /^\d+$/.test(part);

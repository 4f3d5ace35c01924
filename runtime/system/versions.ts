/** Which of two versions of an image is older: by the rules of Debian's packages, since that is what it is made of. */

/**
 * Runs of digits as numbers, all else by character: `~` before the end, the end before letters, letters before the
 * rest. 1.9 < 1.10, 1.0~rc1 < 1.0 < 1.0+2.
 * @returns below 0 when `a` is older than `b`, 0 when neither is, above 0 when `b` is older.
 */
export function compareVersions(a: string, b: string): number {
  let [left, right] = [a, b];
  while (left !== '' || right !== '') {
    const [words, numbers] = [/^\D*/, /^\d*/];
    const [leftWord, rightWord] = [words.exec(left)![0], words.exec(right)![0]];
    const byWord = compareWords(leftWord, rightWord);
    if (byWord !== 0) return byWord;
    [left, right] = [left.slice(leftWord.length), right.slice(rightWord.length)];
    const [leftNumber, rightNumber] = [numbers.exec(left)![0], numbers.exec(right)![0]];
    const difference = BigInt(leftNumber || 0) - BigInt(rightNumber || 0);
    if (difference !== 0n) return difference < 0n ? -1 : 1;
    [left, right] = [left.slice(leftNumber.length), right.slice(rightNumber.length)];
  }
  return 0;
}

function compareWords(a: string, b: string): number {
  for (let index = 0; index < Math.max(a.length, b.length); index++) {
    const difference = rank(a[index]) - rank(b[index]);
    if (difference !== 0) return difference;
  }
  return 0;
}

function rank(character: string | undefined): number {
  if (character === '~') return -1;
  if (character === undefined) return 0;
  return character.charCodeAt(0) + (/[A-Za-z]/.test(character) ? 0 : 256);
}

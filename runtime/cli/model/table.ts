/** Rows as aligned columns; numbers to the right. */
export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const cells = [head, ...rows.map((row) => row.map(String))];
  const widths = head.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  const right = head.map((_, column) => rows.length > 0 && rows.every((row) => isNumeric(row[column])));
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => (right[column] ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!)))
      .join('  ')
      .trimEnd();
  return `${cells.map(line).join('\n')}\n`;
}

const isNumeric = (cell: string | number | undefined) =>
  typeof cell === 'number' || /^[-+]?[\d.]+(e[-+]?\d+)?( ?[%×])?$/.test(cell ?? '') || cell === '-';

const UNITS = ['B', 'kB', 'MB', 'GB'];

/** `3.7 MB`. */
export function size(bytes: number): string {
  const power = bytes < 1 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log10(bytes) / 3));
  return `${(bytes / 1000 ** power).toFixed(power === 0 ? 0 : 1)} ${UNITS[power]}`;
}

/** `float32 [1, 3, 416, 416]`; a free dimension by its name, or `?`. */
export function tensorText(type: string, shape: readonly (number | string)[] | undefined): string {
  const dims = shape?.map((dim) => (dim === -1 ? '?' : dim));
  return `${type} [${dims?.join(', ') ?? '…'}]`;
}

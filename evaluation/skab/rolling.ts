/** The rolling statistics of the benchmark's notebooks: NaN until the window is full. */

export function rollingMedian(values: ArrayLike<number>, rows: number): Float64Array {
  return rolling(values, rows, (window) => {
    const sorted = window.sort((a, b) => a - b);
    const middle = sorted.length >> 1;
    return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
  });
}

export function rollingMaximum(values: ArrayLike<number>, rows: number): Float64Array {
  return rolling(values, rows, (window) => Math.max(...window));
}

function rolling(values: ArrayLike<number>, rows: number, of: (window: number[]) => number): Float64Array {
  return Float64Array.from({ length: values.length }, (_, i) => {
    if (i + 1 < rows) return Number.NaN;
    return of(Array.from({ length: rows }, (_, k) => values[i - k]!));
  });
}

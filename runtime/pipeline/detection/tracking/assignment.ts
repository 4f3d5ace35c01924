/** Optimal assignment with a limit: shortest augmenting paths (Jonker and Volgenant), rows n, columns m, O(n² · (n + m)). */

import { InputError } from '../../../core/errors.ts';

/** More rows or columns than this are no scene: a detector keeps fewer boxes. */
export const MOST_SIDES = 1000;

/**
 * Pairs rows with columns so that the sum of the pairs' costs plus `limit` for each row left alone is least. So no pair
 * costs more than `limit`.
 * @param costs rows × columns, row by row; Infinity for what cannot be. @param limit at least 0.
 * @returns the column of each row, -1 for none. @throws InputError `bad-argument` for sizes beyond MOST_SIDES, NaN or costs below 0.
 */
export function assign(costs: Float64Array, rows: number, columns: number, limit: number): Int32Array {
  check(costs, rows, columns, limit);
  const result = new Int32Array(rows).fill(-1);
  if (rows === 0 || columns === 0) return result;
  // Each row has a column of its own, at the cost of being left alone: there is always a full assignment.
  const width = columns + rows;
  const cost = (row: number, column: number) => {
    if (column >= columns) return column - columns === row ? limit : Number.POSITIVE_INFINITY;
    return costs[row * columns + column]!;
  };
  const state: State = {
    rowOf: new Int32Array(width).fill(-1),
    rowPotential: new Float64Array(rows),
    columnPotential: new Float64Array(width),
    width,
    cost,
  };
  for (let row = 0; row < rows; row++) augment(state, row);
  for (let column = 0; column < columns; column++) {
    const row = state.rowOf[column]!;
    if (row >= 0) result[row] = column;
  }
  return result;
}

interface State {
  /** Of each column; -1 for none. */
  readonly rowOf: Int32Array;
  readonly rowPotential: Float64Array;
  readonly columnPotential: Float64Array;
  readonly width: number;
  cost(row: number, column: number): number;
}

/** Dijkstra over reduced costs from `start` to the nearest free column; then the pairs along the path change over. */
function augment(state: State, start: number): void {
  const { rowOf, rowPotential, columnPotential, width, cost } = state;
  const distance = new Float64Array(width).fill(Number.POSITIVE_INFINITY);
  const cameFrom = new Int32Array(width).fill(-1);
  const done = new Uint8Array(width);
  let row = start;
  let reached = -1;
  let shortest = 0;
  for (;;) {
    let next = -1;
    for (let column = 0; column < width; column++) {
      if (done[column]) continue;
      const way = shortest + cost(row, column) - rowPotential[row]! - columnPotential[column]!;
      if (way < distance[column]!) {
        distance[column] = way;
        cameFrom[column] = reached;
      }
      if (next < 0 || distance[column]! < distance[next]!) next = column;
    }
    shortest = distance[next]!;
    done[next] = 1;
    reached = next;
    if (rowOf[next]! < 0) break;
    row = rowOf[next]!;
  }
  rowPotential[start]! += shortest;
  for (let column = 0; column < width; column++) {
    if (!done[column] || column === reached) continue;
    const slack = shortest - distance[column]!;
    columnPotential[column]! -= slack;
    rowPotential[rowOf[column]!]! += slack;
  }
  for (let column = reached; ; ) {
    const before = cameFrom[column]!;
    rowOf[column] = before < 0 ? start : rowOf[before]!;
    if (before < 0) return;
    column = before;
  }
}

function check(costs: Float64Array, rows: number, columns: number, limit: number): void {
  if (rows > MOST_SIDES || columns > MOST_SIDES) {
    throw new InputError(
      'bad-argument',
      `assignment of ${rows} × ${columns}: expected at most ${MOST_SIDES} of each; raise the model's score threshold`,
    );
  }
  if (costs.length !== rows * columns || !(limit >= 0) || costs.some((cost) => !(cost >= 0))) {
    throw new InputError(
      'bad-argument',
      `assignment: expected ${rows * columns} costs of at least 0 and such a limit`,
    );
  }
}

/** What became of each node test on a backend, and how it is shown. */

export interface Outcome {
  readonly test: string;
  readonly ops: readonly string[];
  readonly result: 'pass' | 'unsupported' | 'wrong';
  /** True when all inputs but the first were given to the compiler as constants, as weights and axes are in real models. */
  readonly constants: boolean;
  /** Of what did not pass. */
  readonly code?: string;
  readonly reason?: string;
}

const RESULTS = ['pass', 'unsupported', 'wrong'] as const;

/** One line for each operator, the sums, then why tests did not pass. */
export function table(backend: string, outcomes: readonly Outcome[]): string {
  const ops = [...new Set(outcomes.map(({ ops: [op] }) => op!))].sort();
  const row = (name: string, of: readonly Outcome[]) => {
    const counts = RESULTS.map((result) => of.filter((one) => one.result === result).length);
    return `${name.padEnd(26)}${counts.map((count) => String(count).padStart(12)).join('')}`;
  };
  const lines = [
    `${backend.padEnd(26)}${RESULTS.map((result) => result.padStart(12)).join('')}`,
    ...ops.map((op) =>
      row(
        op,
        outcomes.filter(({ ops: [first] }) => first === op),
      ),
    ),
    row('all', outcomes),
  ];
  const others = outcomes
    .filter(({ result }) => result !== 'pass')
    .map(({ test, result, code, reason }) => `${result} ${test}: ${code}: ${firstReason(reason ?? '')}`);
  return [...lines, '', ...others].join('\n');
}

/** A model error lists its nodes on lines of their own. */
function firstReason(reason: string): string {
  const lines = reason.split('\n').map((line) => line.trim());
  return (lines.find((line) => line.startsWith('node ')) ?? lines[0] ?? '').slice(0, 200);
}

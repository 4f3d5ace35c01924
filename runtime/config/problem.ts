/** One thing wrong with the configuration, said so that the person at the file can mend it. */
export interface Problem {
  /** Keys and indexes from the root: `['sources', 0, 'units', 1, 'id']`. */
  readonly path: readonly PropertyKey[];
  /** 1-based; 0 when the problem has no place in the file. */
  readonly line: number;
  readonly column: number;
  /** What was wrong, what was expected, what to do. */
  readonly message: string;
}

/** `vigie.yaml:12:7: sources[0].units[1].id: …`, as compilers print it and editors follow it. */
export function formatProblem(file: string, problem: Problem): string {
  const place = problem.line > 0 ? `${file}:${problem.line}:${problem.column}` : file;
  const key = formatPath(problem.path);
  return key ? `${place}: ${key}: ${problem.message}` : `${place}: ${problem.message}`;
}

/** `sources[0].units[1].id`. */
export function formatPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    return text ? `${text}.${String(part)}` : String(part);
  }, '');
}

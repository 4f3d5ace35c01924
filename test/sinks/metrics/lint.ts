/** Holds a scrape against the Prometheus naming and exposition conventions; for one stage or a whole node. */

const UNIT_PROBLEMS =
  /(^|_)(ms|millis|milliseconds|microseconds|us|ns|nanoseconds|minutes|hours|days|kb|mb|kilobytes|megabytes|kib|mib|percent|percentage|fahrenheit)(_|$)/;
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{.*\})? (\S+)$/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"(,|$)/y;
const HISTOGRAM_SUFFIX = /_(bucket|sum|count)$/;

export interface LintOptions {
  /** Most series one metric may have. */
  readonly maxSeries?: number;
  /** Most characters a label value may have. */
  readonly maxLabelLength?: number;
}

interface Family {
  type: string;
  help: string;
  series: number;
}

/** @returns one sentence per problem; empty when the text is in order. */
export function lintExposition(text: string, options: LintOptions = {}): string[] {
  const { maxSeries = 1000, maxLabelLength = 128 } = options;
  const problems: string[] = [];
  const families = new Map<string, Family>();
  const seen = new Set<string>();
  if (!text.endsWith('\n')) problems.push('the last line does not end with a line feed');
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const comment = /^# (HELP|TYPE) (\S+) ?(.*)$/.exec(line);
    if (comment) {
      readComment(families, comment[1]!, comment[2]!, comment[3]!, problems);
      continue;
    }
    const sample = SAMPLE.exec(line);
    if (!sample) {
      problems.push(`not a sample: ${line}`);
      continue;
    }
    const [, name, labels = '', value] = sample;
    const family = families.get(name!) ?? families.get(name!.replace(HISTOGRAM_SUFFIX, ''));
    if (!family) problems.push(`${name} has no TYPE`);
    else family.series += 1;
    if (seen.has(name! + labels)) problems.push(`${name}${labels} appears twice`);
    seen.add(name! + labels);
    if (Number.isNaN(Number(value)) && !/^(nan|[+-]inf)$/i.test(value!))
      problems.push(`${name} has the value ${value}`);
    problems.push(...lintLabels(name!, labels, maxLabelLength));
  }
  for (const [name, family] of families) problems.push(...lintFamily(name, family, maxSeries));
  return problems;
}

function readComment(
  families: Map<string, Family>,
  what: string,
  name: string,
  rest: string,
  problems: string[],
) {
  const family = families.get(name) ?? { type: '', help: '', series: 0 };
  families.set(name, family);
  if (what === 'HELP' ? family.help : family.type) problems.push(`${name} has ${what} twice`);
  if (what === 'HELP') family.help = rest;
  else family.type = rest;
}

function lintLabels(name: string, text: string, maxLength: number): string[] {
  if (text === '') return [];
  const problems: string[] = [];
  const names = new Set<string>();
  const inner = text.slice(1, -1);
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < inner.length) {
    const at = LABEL.lastIndex;
    const label = LABEL.exec(inner);
    if (!label) {
      problems.push(`${name} has a malformed label at '${inner.slice(at)}'`);
      break;
    }
    if (label[1]!.startsWith('__')) problems.push(`${name}: label ${label[1]} is reserved`);
    if (label[1] !== label[1]!.toLowerCase()) problems.push(`${name}: label ${label[1]} is not snake_case`);
    if (names.has(label[1]!)) problems.push(`${name}: label ${label[1]} appears twice`);
    if (label[2]!.length > maxLength) problems.push(`${name}: label ${label[1]} is longer than ${maxLength}`);
    names.add(label[1]!);
  }
  return problems;
}

function lintFamily(name: string, { type, help, series }: Family, maxSeries: number): string[] {
  const problems: string[] = [];
  const say = (what: string) => problems.push(`${name} ${what}`);
  if (!help) say('has no HELP');
  if (!/^(counter|gauge|histogram|summary)$/.test(type)) say(`has the type '${type}'`);
  if (name !== name.toLowerCase()) say('is not snake_case');
  if (!/^(vigie|process|nodejs)_/.test(name)) say('has none of the prefixes vigie_, process_, nodejs_');
  if (type === 'counter' && !name.endsWith('_total')) say('is a counter without _total');
  if (type !== 'counter' && name.endsWith('_total')) say(`is a ${type} with _total`);
  if (type !== 'histogram' && HISTOGRAM_SUFFIX.test(name)) say('has a suffix reserved for histograms');
  if (UNIT_PROBLEMS.test(name)) say('is not in a base unit (seconds, bytes, ratio …)');
  if (/(^|_)(gauge|counter|histogram|summary)(_|$)/.test(name)) say('has its type in its name');
  if (type === 'histogram' && !/_(seconds|bytes|ratio|size|rows|records|requests)$/.test(name))
    say('is a histogram that does not name its unit');
  if (series > maxSeries) say(`has ${series} series; at most ${maxSeries} are expected`);
  return problems;
}

/**
 * Takes secrets out of texts. Two nets: the values of the node's own secrets in whatever form, and whatever looks like
 * somebody's. Rather too much is taken than too little. Pure.
 */

const CENSOR = '[redacted]';
/** Shorter ones stand in too many words: they are taken where they stand alone. */
const SHORT = 4;

/** Words that name a secret, in whatever key they are part of; not `passwordFile`, which names a place. */
const NAMES =
  'pass(?:word|wd|phrase)|(?<![A-Za-z])(?:pass|pwd|psk|pin)(?![A-Za-z])|secret|token|api[-_]?key|private[-_]?key|authori[sz]ation|cookie|one[-_ ]?time[-_ ]?code|setup[-_]?code';
const KEY = new RegExp(
  // "mqtt-password": "…"   password = …   PASSWORD: '…'
  String.raw`((?:^|[^A-Za-z])["']?[\w.-]*?(?:${NAMES})[\w.-]*\\?["']?\s*[:=]\s*)(\\?"(?:\\.|[^"\\])*\\?"|'[^'\n]*'|[^\n,}\]"']+)`,
  'gim',
);
const NAMED = new RegExp(NAMES, 'i');
const OPTION = new RegExp(String.raw`(--?[\w-]*(?:${NAMES})[\w-]*[ =])(\S+)`, 'gi');
const NO_SECRET = /(file|directory|path|url|age|expiry|state|reason)["']?\s*[:=]\s*$/i;
const PEM =
  /-----BEGIN [A-Z0-9 ]*PRIVATE KEY[A-Z0-9 ]*-----[\s\S]*?(?:-----END [A-Z0-9 ]*PRIVATE KEY[A-Z0-9 ]*-----|$(?![\s\S]))/g;
const USERINFO = /\b([a-z][a-z0-9+.-]*:\/\/)[^\s/@"']+@/gi;
const SCHEME = /\b(basic|bearer|digest)\s+[A-Za-z0-9+/=._~-]{4,}/gi;
const JWT = /\beyJ[\w-]{5,}\.[\w-]{5,}\.[\w-]*/g;

export class Redactor {
  readonly #forms: readonly string[];
  readonly #alone: RegExp | undefined;

  /** @param secrets values, as they are read from files; lines of a longer one are taken each by itself, too. */
  constructor(secrets: readonly string[]) {
    const values = new Set(
      secrets.flatMap((secret) => [secret, ...secret.split(/\r?\n/)]).filter((value) => value.trim() !== ''),
    );
    const long = [...values].filter((value) => value.length >= SHORT && !/^-----(BEGIN|END) /.test(value));
    // The longest first: a form may be part of another one.
    this.#forms = [...new Set(long.flatMap(formsOf))].sort((a, b) => b.length - a.length);
    const short = [...values]
      .filter((value) => value.length < SHORT)
      .map((value) => value.replaceAll(/[^\w]/g, '\\$&'));
    this.#alone = short.length > 0 ? new RegExp(`(?<!\\w)(?:${short.join('|')})(?!\\w)`, 'g') : undefined;
  }

  text(text: string): string {
    let result = text.replaceAll(PEM, CENSOR);
    for (const form of this.#forms) result = result.replaceAll(form, CENSOR);
    if (this.#alone) result = result.replaceAll(this.#alone, CENSOR);
    return result
      .replaceAll(USERINFO, `$1${CENSOR}@`)
      .replaceAll(SCHEME, `$1 ${CENSOR}`)
      .replaceAll(JWT, CENSOR)
      .replaceAll(KEY, (all, key: string, value: string) => (keeps(key, value) ? all : key + censored(value)))
      .replaceAll(OPTION, `$1${CENSOR}`);
  }

  /** The same within a parsed value, which keeps its form; what is named like a secret goes whole. */
  value(value: unknown, key = ''): unknown {
    if (value === null || typeof value === 'boolean') return value;
    if (Array.isArray(value)) return value.map((item) => this.value(item, key));
    if (typeof value === 'object') {
      return Object.fromEntries(
        Object.entries(value).map(([name, inner]) => [this.text(name), this.value(inner, name)]),
      );
    }
    const text = String(value);
    if (NAMED.test(key) && !NO_SECRET.test(`${key}:`) && !keeps('', text)) return CENSOR;
    const clean = this.text(text);
    return clean === text ? value : clean;
  }

  /** Whether none of the known values, and no private key, is in it. */
  isClean(text: string): boolean {
    return !this.#forms.some((form) => text.includes(form)) && !/PRIVATE KEY/.test(text);
  }
}

/** As a value may stand in a log, an address, a header or a quoted text. */
function formsOf(value: string): string[] {
  const bytes = Buffer.from(value);
  const json = JSON.stringify(value).slice(1, -1);
  const base64 = bytes.toString('base64');
  return [
    value,
    json,
    JSON.stringify(json).slice(1, -1),
    encodeURIComponent(value),
    base64,
    base64.replace(/=+$/, ''),
    bytes.toString('base64url'),
    bytes.toString('hex'),
  ].filter((form) => form.length >= SHORT);
}

/** A place where a secret lies, or a word about it, is none. */
function keeps(key: string, value: string): boolean {
  return NO_SECRET.test(key) || /^\\?["']?credential:/.test(value) || value.includes(CENSOR);
}

/** Quoted it stays quoted, so that JSON stays JSON. */
function censored(value: string): string {
  const [quote = ''] = /^\\?["']/.exec(value) ?? [];
  return `${quote}${CENSOR}${quote}`;
}

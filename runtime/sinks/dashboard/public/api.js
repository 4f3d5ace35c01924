/** The way to the node: answers as JSON, a live stream that comes back by itself, commands. */

/** The node sends something at least every 5 s. */
const SILENCE_MS = 12_000;
const REOPEN_MS = 3000;

export async function get(path) {
  const response = await fetch(path, { cache: 'no-store' });
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response.json();
}

export async function runCommand(name, args) {
  const { ok, status, body } = await post(`/api/commands/${name}`, args);
  if (!ok) throw new Error(body.message ?? String(status));
  return body;
}

/** @param json text. A refusal is an answer, too: see `ok` and `body`. */
export async function post(path, json) {
  const response = await fetch(path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'X-Vigie-Command': '1' },
    body: json,
  });
  return { ok: response.ok, status: response.status, body: await response.json() };
}

/**
 * @param handlers `open()` at every (re)connection, whose failure counts as a break, `lost()` when it breaks, and one
 * function per event name.
 */
export function follow(handlers, path = '/api/stream', names = ['values', 'status', 'anomaly']) {
  let source;
  let heard = 0;
  let reopen;

  const lose = () => {
    source.close();
    handlers.lost();
    clearTimeout(reopen);
    reopen = setTimeout(open, REOPEN_MS);
  };

  function open() {
    heard = performance.now();
    source = new EventSource(path);
    const mine = source;
    source.onopen = () => handlers.open().catch(() => mine === source && lose());
    source.onerror = lose;
    for (const name of [...names, 'beat']) {
      source.addEventListener(name, (event) => {
        heard = performance.now();
        handlers[name]?.(JSON.parse(event.data));
      });
    }
  }

  open();
  setInterval(() => {
    if (source.readyState !== EventSource.CLOSED && performance.now() - heard > SILENCE_MS) lose();
  }, 2000);
}

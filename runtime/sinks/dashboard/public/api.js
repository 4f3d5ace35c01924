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
  const response = await fetch(`/api/commands/${name}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'X-Vigie-Command': '1' },
    body: args,
  });
  const body = await response.json();
  if (!response.ok) throw new Error(body.message ?? String(response.status));
  return body;
}

/**
 * @param handlers `open()` at every (re)connection, whose failure counts as a break, `lost()` when it breaks, and one
 * function per event name.
 */
export function follow(handlers) {
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
    source = new EventSource('/api/stream');
    const mine = source;
    source.onopen = () => handlers.open().catch(() => mine === source && lose());
    source.onerror = lose;
    for (const name of ['values', 'status', 'anomaly', 'beat']) {
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

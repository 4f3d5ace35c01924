/** What a browser may do with the page, and which requests are refused before anything looks at them. */

import type { IncomingMessage, ServerResponse } from 'node:http';

const HEADERS: Readonly<Record<string, string>> = {
  'Content-Security-Policy':
    "default-src 'self'; base-uri 'none'; object-src 'none'; form-action 'self'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
};

export function setSecurityHeaders(response: ServerResponse): void {
  for (const name in HEADERS) response.setHeader(name, HEADERS[name]!);
}

const LOOPBACK_NAMES = /^(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?$/i;

/**
 * On loopback there may be no password: a web page whose name is made to point at 127.0.0.1 (DNS rebinding)
 * must not read the node through the browser of whoever opened it. Its Host header gives it away.
 */
export function isLoopbackName(host: string | undefined): boolean {
  return host !== undefined && LOOPBACK_NAMES.test(host);
}

/** Header that a form or a link of another site cannot send without asking, and we never say yes. */
export const COMMAND_HEADER = 'x-vigie-command';

/** @returns why a command must not run, or undefined when it comes from our own page or a tool. */
export function refuseCommand(request: IncomingMessage): string | undefined {
  const { headers } = request;
  if (headers[COMMAND_HEADER] === undefined) return `the header ${COMMAND_HEADER} is missing`;
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return `sent from a ${site} page`;
  // The browser's own word counts more than names: behind a proxy the page has another host name than we.
  const { origin } = headers;
  if (site !== 'same-origin' && origin !== undefined && URL.parse(origin)?.host !== headers.host)
    return `sent from a page of ${origin}`;
  if (!/^application\/json\b/i.test(headers['content-type'] ?? ''))
    return 'the content type must be application/json';
  return undefined;
}

/** Why there is no connection to the broker: a bounded label for metrics, and a text that says what to do. */

import { describeError, InputError } from '../../core/errors.ts';
import type { Stamp } from '../../core/messages.ts';

export type FailureReason =
  | 'credentials'
  | 'not-authorized'
  | 'secret'
  | 'tls'
  | 'dns'
  | 'refused'
  | 'unreachable'
  | 'taken-over'
  | 'flapping'
  | 'packet-too-large'
  | 'busy'
  | 'protocol'
  | 'timeout'
  | 'ack-timeout'
  | 'closed';

export interface Failure {
  readonly reason: FailureReason;
  /** For a person: what happened and what to do. */
  readonly detail: string;
}

/** What the texts name. */
export interface Endpoint {
  readonly url: string;
  readonly clientId: string;
  readonly version: 4 | 5;
  readonly username: string | undefined;
  /** The node's clock: certificates are judged by it. */
  readonly now: Pick<Stamp, 'wall' | 'timeQuality'>;
}

/** CONNACK return codes of MQTT 3.1.1 (1 … 5) and reason codes of MQTT 5 (from 128; also in DISCONNECT). */
const BY_CODE: Record<number, FailureReason> = {
  1: 'protocol',
  2: 'protocol',
  3: 'busy',
  4: 'credentials',
  5: 'not-authorized',
  132: 'protocol',
  133: 'protocol',
  134: 'credentials',
  135: 'not-authorized',
  136: 'busy',
  137: 'busy',
  138: 'not-authorized',
  139: 'busy',
  140: 'credentials',
  141: 'timeout',
  142: 'taken-over',
  149: 'packet-too-large',
  151: 'busy',
  152: 'closed',
  159: 'busy',
};

const BY_ERRNO: Record<string, FailureReason> = {
  ENOTFOUND: 'dns',
  EAI_AGAIN: 'dns',
  EAI_FAIL: 'dns',
  EAI_NODATA: 'dns',
  ECONNREFUSED: 'refused',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  ENETDOWN: 'unreachable',
  EHOSTDOWN: 'unreachable',
  ETIMEDOUT: 'timeout',
  ECONNRESET: 'closed',
  EPIPE: 'closed',
  EPROTO: 'tls',
};

const TLS_CODE =
  /^(ERR_TLS|ERR_SSL|ERR_OSSL|CERT_|UNABLE_TO|SELF_SIGNED|DEPTH_ZERO|HOSTNAME_MISMATCH|ERR_CRYPTO)/;

/** Sorts anything that the MQTT client, the socket or the reading of a secret threw. */
export function failureOf(error: unknown, endpoint: Endpoint): Failure {
  const code = (error as { code?: unknown } | null)?.code;
  // Of several addresses tried, Node says nothing but the code.
  const text = describeError(error) || String(code ?? 'unknown error');
  if (error instanceof InputError) return { reason: 'secret', detail: text };
  if (typeof code === 'number') return failureOfCode(code, endpoint, text);
  const errno = typeof code === 'string' ? code : '';
  const reason = TLS_CODE.test(errno) ? 'tls' : (BY_ERRNO[errno] ?? byText(text));
  return {
    reason,
    detail: explain(reason, endpoint, errno && !text.includes(errno) ? `${errno}: ${text}` : text),
  };
}

/** Sorts the code of a CONNACK or of the broker's DISCONNECT. */
export function failureOfCode(code: number, endpoint: Endpoint, text = `reason ${code}`): Failure {
  const reason = BY_CODE[code] ?? 'protocol';
  return { reason, detail: explain(reason, endpoint, `${text} (code ${code})`) };
}

export function failureOfReason(reason: FailureReason, endpoint: Endpoint, text = ''): Failure {
  return { reason, detail: explain(reason, endpoint, text) };
}

/** The MQTT client gives no code for its own time limits. */
function byText(text: string): FailureReason {
  return /timeout/i.test(text) ? 'timeout' : 'protocol';
}

function explain(reason: FailureReason, endpoint: Endpoint, text: string): string {
  const { url, clientId, username, version, now } = endpoint;
  const who = username === undefined ? 'no user name' : `user '${username}'`;
  switch (reason) {
    case 'credentials':
      return `the broker refused ${who}: check mqtt.username and the file named by mqtt.passwordFile (${text})`;
    case 'not-authorized':
      // mosquitto says so of a wrong password too.
      return `the broker does not let ${who} with client id '${clientId}' in: check the password in the file named by mqtt.passwordFile, and the broker's access rules (${text})`;
    case 'tls':
      return `no trusted TLS connection to ${url}: ${text}; ${tlsAdvice(text, now)}`;
    case 'dns':
      return `the host name of ${url} cannot be resolved: check the name and the node's DNS (${text})`;
    case 'refused':
      return `nothing listens at ${url}: check the port and whether the broker runs (${text})`;
    case 'unreachable':
      return `there is no route to ${url}: check the network (${text})`;
    case 'taken-over':
      return `another client connected with the client id '${clientId}': give each node its own mqtt.clientId`;
    case 'flapping':
      return `the broker keeps closing the connection soon after accepting it: does another client use the client id '${clientId}'? Else see the log of the broker`;
    case 'packet-too-large':
      return `the broker closed the connection over a message larger than it allows (${text})`;
    case 'busy':
      return `the broker is not available: ${text}; trying again`;
    case 'timeout':
      return `${url} does not answer: ${text}; check the network and that an MQTT broker listens there`;
    case 'ack-timeout':
      return `the broker stopped acknowledging messages: ${text}; connecting again`;
    case 'closed':
      return text.startsWith('before')
        ? `${url} closed the connection ${text}`
        : `the broker closed the connection${text && ` (${text})`}`;
    case 'protocol':
      return `${url} did not speak MQTT as expected: ${text}; check the port and mqtt.version (${version})`;
    case 'secret':
      return text;
  }
}

function tlsAdvice(text: string, now: Endpoint['now']): string {
  if (/ALTNAME|altnames/i.test(text)) return 'its certificate is for another name: see mqtt.tls.serverName';
  if (/NOT_YET_VALID|not yet valid/i.test(text)) return notYetValid(now);
  if (/EXPIRED|expired/i.test(text))
    return `a certificate has expired, or the clock is wrong: ${clockSays(now)}`;
  if (/alert|ALERT/.test(text)) return 'the broker refused the client certificate: see mqtt.tls.certFile';
  if (/wrong version|packet length|EPROTO/i.test(text)) return 'is this the TLS port of the broker?';
  return 'its certificate is not signed by a known authority: see mqtt.tls.caFile';
}

function notYetValid(now: Endpoint['now']): string {
  const begins = `the certificate begins later than today by this node's clock: ${clockSays(now)}`;
  if (now.timeQuality === 'synced') return `${begins}; so it is the broker's certificate that is wrong`;
  return `${begins}; see that the node reaches a time server (NTP, UDP port 123); it connects as soon as the clock is set, and loses nothing meanwhile`;
}

/** The day alone: a text that changes every second would be logged every second. */
function clockSays({ wall, timeQuality }: Endpoint['now']): string {
  const day = new Date(wall).toISOString().slice(0, 10);
  return timeQuality === 'synced'
    ? `it says ${day}, from a time server`
    : `it says ${day}, which no time server set`;
}

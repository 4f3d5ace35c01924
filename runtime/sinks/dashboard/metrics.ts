/** Metrics of the HTTP interface itself. */

import { Counter, Gauge, type Registry } from '../../core/prometheus.ts';

export interface HttpMetrics {
  request(route: string, code: number): void;
  readonly authFailures: Counter;
  readonly refusedConnections: Counter;
  readonly streamClients: Gauge;
  readonly droppedSlow: { inc(): void };
  readonly droppedLimit: { inc(): void };
}

export function httpMetrics(registry: Registry): HttpMetrics {
  const registers = [registry];
  const requests = new Counter({
    name: 'vigie_http_requests_total',
    help: 'HTTP requests answered, by route and status code.',
    labelNames: ['route', 'code'],
    registers,
  });
  const dropped = new Counter({
    name: 'vigie_http_stream_dropped_total',
    help: 'Live streams ended by the node: the reader was too slow, or there were too many.',
    labelNames: ['reason'],
    registers,
  });
  return {
    request: (route, code) => requests.inc({ route, code }),
    authFailures: new Counter({
      name: 'vigie_http_auth_failures_total',
      help: 'Requests with a wrong user or password, or sent during the pause that follows them.',
      registers,
    }),
    refusedConnections: new Counter({
      name: 'vigie_http_refused_connections_total',
      help: 'Connections closed at once because too many were open.',
      registers,
    }),
    streamClients: new Gauge({
      name: 'vigie_http_stream_clients',
      help: 'Pages that follow the node live.',
      registers,
    }),
    droppedSlow: dropped.labels('slow'),
    droppedLimit: dropped.labels('limit'),
  };
}

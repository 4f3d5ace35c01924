import { Counter, Gauge, type Registry, sharedFamily } from '../../core/prometheus.ts';

/** What became of a frame: read, wrong checksum, not matching the pattern. */
export type FrameResult = 'read' | 'checksum' | 'mismatch';

export interface SerialMetrics {
  frame(result: FrameResult): void;
  dropped(bytes: number): void;
  connected(up: boolean): void;
}

/** Counters of one serial source; several sources share the families. */
export function serialMetrics(registry: Registry, source: string): SerialMetrics {
  const frames = sharedFamily(
    registry,
    'vigie_serial_frames_total',
    () =>
      new Counter({
        name: 'vigie_serial_frames_total',
        help: 'Frames received from serial sensors, by what became of them.',
        labelNames: ['source', 'result'],
        registers: [registry],
      }),
  );
  const dropped = sharedFamily(
    registry,
    'vigie_serial_dropped_bytes_total',
    () =>
      new Counter({
        name: 'vigie_serial_dropped_bytes_total',
        help: 'Bytes from serial sensors that belonged to no frame.',
        labelNames: ['source'],
        registers: [registry],
      }),
  );
  const connected = sharedFamily(
    registry,
    'vigie_serial_connected',
    () =>
      new Gauge({
        name: 'vigie_serial_connected',
        help: 'Whether the serial port is open.',
        labelNames: ['source'],
        registers: [registry],
      }),
  );
  dropped.labels(source);
  return {
    frame: (result) => frames.labels(source, result).inc(),
    dropped: (bytes) => dropped.labels(source).inc(bytes),
    connected: (up) => connected.labels(source).set(up ? 1 : 0),
  };
}

/** Models and updates in numbers; taken once per scrape. */

import type { TransferCounters } from '../../ota/client/transport/counters.ts';
import { Counter, Gauge, type Registry } from '../core/prometheus.ts';
import type { ModelStatus } from '../core/status.ts';
import type { Models } from '../pipeline/models/models.ts';

const STATES: readonly ModelStatus['state'][] = ['serving', 'trial', 'empty'];

export interface ModelMetricsOptions {
  readonly registry: Registry;
  readonly models: Models;
  readonly status: () => Readonly<Record<string, ModelStatus>>;
  readonly counters: () => TransferCounters | undefined;
}

export function registerModelMetrics({ registry, models, status, counters }: ModelMetricsOptions): void {
  const gauge = (name: string, help: string, ...labelNames: string[]) =>
    new Gauge({ name, help, labelNames, registers: [registry] });
  new Gauge({
    name: 'vigie_model_state',
    help: '1 for the state of a model that comes as an update, 0 for the others.',
    labelNames: ['model', 'state'],
    registers: [registry],
    // Collected in the order of registration: this one comes first and sets the others from the same status.
    collect() {
      for (const metric of [this, release, inferences, errors, latency, shift]) metric.reset();
      for (const [model, now] of Object.entries(status())) {
        for (const state of STATES) this.set({ model, state }, now.state === state ? 1 : 0);
        release.set({ model }, now.release ?? 0);
        const measures = models.measures(model);
        if (!measures) continue;
        inferences.set({ model }, measures.inferences);
        errors.set({ model }, measures.errors);
        if (measures.latencyP95 !== undefined) latency.set({ model }, measures.latencyP95 / 1000);
        if (measures.outputShift !== undefined) shift.set({ model }, measures.outputShift);
      }
      for (const [kind, value] of Object.entries(counters() ?? {})) transfer.set({ kind }, value);
    },
  });
  const release = gauge('vigie_model_release', 'Release that serves; 0 for none.', 'model');
  const inferences = gauge('vigie_model_inferences', 'Inferences since the release began to serve.', 'model');
  const errors = gauge(
    'vigie_model_errors',
    'Inferences that failed since the release began to serve.',
    'model',
  );
  const latency = gauge('vigie_model_latency_p95_seconds', 'P95 of the last inferences.', 'model');
  const shift = gauge(
    'vigie_model_output_shift',
    'How far the scores moved against those of the release before: 0 not at all, 1 altogether.',
    'model',
  );
  const transfer = gauge(
    'vigie_ota_transfer',
    'Requests, blocks and bytes of updates since the start, by kind.',
    'kind',
  );
}

/** Rows that a detector did not ask its model about, since answers were still on their way. */
export function skippedRows(registry: Registry): (detector: string) => void {
  const counter = new Counter({
    name: 'vigie_model_skipped_rows_total',
    help: 'Rows that were not scored since the model was behind by several.',
    labelNames: ['detector'],
    registers: [registry],
  });
  return (detector) => counter.inc({ detector });
}

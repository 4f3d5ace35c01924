/** What the analysis tells Prometheus. */

import { Counter, Gauge, Histogram, type Registry } from '../../core/prometheus.ts';

export type AnalysisMetrics = ReturnType<typeof analysisMetrics>;

const TICK_BUCKETS = [2e-5, 5e-5, 1e-4, 2e-4, 3e-4, 5e-4, 1e-3, 2e-3, 5e-3, 2e-2];
const LATENCY_BUCKETS = [1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2, 0.1, 0.5, 1, 5, 30];

/** @param alarmsLastHour read when the metrics are. */
export function analysisMetrics(registry: Registry, alarmsLastHour: () => number) {
  const registers = [registry];
  new Gauge({
    name: 'vigie_anomaly_alarms_last_hour',
    help: 'Anomaly episodes that started within the last hour.',
    registers,
    collect() {
      this.set(alarmsLastHour());
    },
  });
  return {
    alarmBudget: new Gauge({
      name: 'vigie_anomaly_alarm_budget_per_hour',
      help: 'Alarms per hour an operator can handle (ISA-18.2), as configured.',
      registers,
    }),
    tick: new Histogram({
      name: 'vigie_analysis_tick_seconds',
      help: 'Time one step of one group took: all detectors, fusion, decision.',
      buckets: TICK_BUCKETS,
      registers,
    }),
    latency: new Histogram({
      name: 'vigie_analysis_score_latency_seconds',
      help: "From the newest sample of a group's row to its score.",
      buckets: LATENCY_BUCKETS,
      registers,
    }),
    ignored: new Counter({
      name: 'vigie_analysis_ignored_samples_total',
      help: 'Samples with a value that was not analysed, by reason.',
      labelNames: ['reason'] as const,
      registers,
    }),
    stepErrors: new Counter({
      name: 'vigie_analysis_step_errors_total',
      help: 'Steps of a group that failed as a whole.',
      labelNames: ['group'] as const,
      registers,
    }),
    detectorErrors: new Counter({
      name: 'vigie_anomaly_detector_errors_total',
      help: 'Steps or fits in which a detector failed; the others went on.',
      labelNames: ['group', 'detector'] as const,
      registers,
    }),
    score: new Gauge({
      name: 'vigie_anomaly_score_ratio',
      help: 'Fused score of a group; 1 is the alarm limit.',
      labelNames: ['group'] as const,
      registers,
    }),
    active: new Gauge({
      name: 'vigie_anomaly_active',
      help: '1 while a group has an open anomaly episode.',
      labelNames: ['group'] as const,
      registers,
    }),
    episodes: new Counter({
      name: 'vigie_anomaly_episodes_total',
      help: 'Anomaly episodes, counted at their start with the fault kind suspected then.',
      labelNames: ['group', 'fault_kind'] as const,
      registers,
    }),
    eventErrors: new Counter({
      name: 'vigie_anomaly_event_errors_total',
      help: 'Attempts to hand an anomaly event to the outbox that failed; each is tried again.',
      registers,
    }),
    eventsDropped: new Counter({
      name: 'vigie_anomaly_events_dropped_total',
      help: 'Anomaly events lost because the outbox refused them for too long.',
      registers,
    }),
    baselineReady: new Gauge({
      name: 'vigie_anomaly_baseline_ready',
      help: '1 once a group knows what is normal.',
      labelNames: ['group'] as const,
      registers,
    }),
    baselineProgress: new Gauge({
      name: 'vigie_anomaly_baseline_progress_ratio',
      help: 'How much of the learning is done, 0 to 1.',
      labelNames: ['group'] as const,
      registers,
    }),
    baselineRows: new Gauge({
      name: 'vigie_anomaly_baseline_rows',
      help: 'Rows a group has learned from so far.',
      labelNames: ['group'] as const,
      registers,
    }),
    baselineFit: new Gauge({
      name: 'vigie_anomaly_baseline_fit_seconds',
      help: 'Longest time one detector held the event loop in the last fit.',
      labelNames: ['group'] as const,
      registers,
    }),
    baselineErrors: new Counter({
      name: 'vigie_anomaly_baseline_file_errors_total',
      help: 'Baseline files that could not be read or written.',
      labelNames: ['group'] as const,
      registers,
    }),
  };
}

/** The children of one group, bound once. */
export type GroupMetrics = ReturnType<typeof groupMetrics>;

export function groupMetrics(metrics: AnalysisMetrics, group: string) {
  // A counter that is not there until its first error makes no rate.
  metrics.stepErrors.labels(group).inc(0);
  metrics.baselineErrors.labels(group).inc(0);
  metrics.active.labels(group).set(0);
  return {
    score: metrics.score.labels(group),
    active: metrics.active.labels(group),
    stepErrors: metrics.stepErrors.labels(group),
    ready: metrics.baselineReady.labels(group),
    progress: metrics.baselineProgress.labels(group),
    rows: metrics.baselineRows.labels(group),
    fit: metrics.baselineFit.labels(group),
    fileErrors: metrics.baselineErrors.labels(group),
    detectorError: (detector: string) => metrics.detectorErrors.labels(group, detector).inc(),
    episode: (faultKind: string) => metrics.episodes.labels(group, faultKind).inc(),
  };
}

/** The latest reading of every tag as gauges, read from a table at scrape. */

import type { Clock } from '../../core/clock.ts';
import type { Quality, Sample, Tag } from '../../core/messages.ts';
import type { Registry } from '../../core/prometheus.ts';
import { registerView, type Series } from './view.ts';

const QUALITY_LEVEL: Readonly<Record<Quality, number>> = { bad: 0, uncertain: 1, good: 2 };

export interface TagMetricsOptions {
  readonly tags: readonly Tag[];
  readonly registry: Registry;
  readonly clock: Clock;
}

export class TagMetrics {
  readonly #tags: readonly Tag[];
  readonly #latest: (Sample | undefined)[];
  readonly #clock: Clock;

  constructor({ tags, registry, clock }: TagMetricsOptions) {
    this.#tags = tags;
    this.#latest = new Array(tags.length).fill(undefined);
    this.#clock = clock;
    registerView(registry, {
      name: 'vigie_tag_value',
      help: 'Latest value of a tag in engineering units (label unit, UCUM); NaN when it could not be read or is text.',
      type: 'gauge',
      values: () =>
        this.#series(
          ({ name, group, kind, unit }) => ({ tag: name, stage: group, kind, unit }),
          (sample) => (sample.quality === 'bad' ? Number.NaN : numeric(sample)),
        ),
    });
    registerView(registry, {
      name: 'vigie_tag_quality',
      help: 'Quality of the latest reading of a tag: 2 good, 1 uncertain, 0 bad.',
      type: 'gauge',
      values: () => this.#series(byStage, (sample) => QUALITY_LEVEL[sample.quality]),
    });
    registerView(registry, {
      name: 'vigie_tag_age_seconds',
      help: 'Time since a tag was last read, or tried to be read.',
      type: 'gauge',
      values: () => {
        const now = this.#clock.mono();
        return this.#series(byStage, (sample) => Math.max(0, now - sample.mono) / 1000);
      },
    });
  }

  /** Hot path: one reference kept per tag. */
  accept(samples: readonly Sample[]): void {
    for (let i = 0; i < samples.length; i++) {
      const sample = samples[i]!;
      this.#latest[sample.tag.index] = sample;
    }
  }

  #series(labels: (tag: Tag) => Record<string, string>, value: (sample: Sample) => number): Series[] {
    const series: Series[] = [];
    for (const tag of this.#tags) {
      const sample = this.#latest[tag.index];
      if (sample) series.push({ labels: labels(tag), value: value(sample) });
    }
    return series;
  }
}

const byStage = ({ name, group }: Tag) => ({ tag: name, stage: group });

function numeric({ value }: Sample): number {
  return value === null || typeof value === 'string' ? Number.NaN : Number(value);
}

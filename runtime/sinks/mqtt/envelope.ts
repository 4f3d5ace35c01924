/** What every message says of its origin. Bodies are spliced in as text: a large batch is never parsed again. */

import type { StoredRecord } from '../../core/messages.ts';
import type { EpochMillis } from '../../core/units.ts';

export interface Origin {
  readonly site: string;
  readonly node: string;
}

export const topicPrefix = ({ site, node }: Origin): string => `vigie/${site}/${node}/`;

/** The last moment whose year has four digits, as date-time formats want it. */
const LAST_MOMENT = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

/** ISO 8601 with milliseconds, UTC. Held within 1970 … 9999: a nonsense time must not stop the queue behind it. */
export const isoTime = (wall: EpochMillis): string =>
  new Date(Math.max(0, Math.min(LAST_MOMENT, wall)) || 0).toISOString();

/** Composes payloads of one node: `{site, node, bootId, seq, time, timeQuality, …body}` as JSON text. */
export class Envelope {
  readonly #head: string;

  constructor({ site, node }: Origin) {
    this.#head = `{"site":${JSON.stringify(site)},"node":${JSON.stringify(node)},"bootId":`;
  }

  /** @param record its body is the text of a JSON object. */
  wrap(record: StoredRecord): string {
    const { bootId, seq, wall, timeQuality, body } = record;
    const rest = body.slice(body.indexOf('{') + 1);
    const comma = /^\s*\}/.test(rest) ? '' : ',';
    return `${this.#head}${JSON.stringify(bootId)},"seq":${seq},"time":"${isoTime(wall)}","timeQuality":"${timeQuality}"${comma}${rest}`;
  }
}

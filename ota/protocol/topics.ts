/** Every topic of updates, below `vigie/SITE/ota/v1`. The broker's access rules are a second line only. */

import { InputError } from '../../runtime/core/errors.ts';

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const SHA256 = /^[0-9a-f]{64}$/;
/** Of a file of 4 TiB in 64 KiB blocks. */
const MOST_INDEX_DIGITS = 8;

export class OtaTopics {
  readonly root: string;

  /** @throws InputError `ota-topic` for a site that would be more than one level. */
  constructor(site: string) {
    this.root = `vigie/${level(site, 'site')}/ota/v1`;
  }

  /** Hub to all, retained: a hint that something changed. Believed in nothing. */
  get announce(): string {
    return `${this.root}/announce`;
  }
  /** Node to hub: asks for metadata and blocks. */
  request(node: string): string {
    return `${this.root}/req/${level(node, 'node')}`;
  }
  /** Hub to node. */
  response(node: string): string {
    return `${this.root}/res/${level(node, 'node')}`;
  }
  /** Hub to all: one block, bare. */
  block(sha256: string, index: number): string {
    return `${this.root}/blob/${sha256}/${index}`;
  }
  timeRequest(node: string): string {
    return `${this.root}/time/req/${level(node, 'node')}`;
  }
  timeResponse(node: string): string {
    return `${this.root}/time/res/${level(node, 'node')}`;
  }
  /** Node to all, retained: its signed report. */
  state(node: string): string {
    return `${this.root}/state/${level(node, 'node')}`;
  }

  /** Filters for those who hear all nodes, or all blocks of one file. */
  get allRequests(): string {
    return `${this.root}/req/+`;
  }
  get allTimeRequests(): string {
    return `${this.root}/time/req/+`;
  }
  get allStates(): string {
    return `${this.root}/state/+`;
  }
  allBlocks(sha256: string): string {
    return `${this.root}/blob/${sha256}/+`;
  }

  /** The node that a topic of `allRequests`, `allTimeRequests` or `allStates` speaks of; undefined for another topic. */
  nodeOf(topic: string): string | undefined {
    if (!topic.startsWith(`${this.root}/`)) return undefined;
    const match = /^(?:req|time\/req|state)\/([^/]+)$/.exec(topic.slice(this.root.length + 1));
    return match && NAME.test(match[1]!) ? match[1] : undefined;
  }

  /** The block that a broadcast topic names; undefined for another topic. */
  blockOf(topic: string): { readonly sha256: string; readonly index: number } | undefined {
    const prefix = `${this.root}/blob/`;
    if (!topic.startsWith(prefix)) return undefined;
    const [sha256, digits, ...more] = topic.slice(prefix.length).split('/');
    if (more.length > 0 || !SHA256.test(sha256!) || !/^(0|[1-9]\d*)$/.test(digits ?? '')) return undefined;
    return digits!.length > MOST_INDEX_DIGITS ? undefined : { sha256: sha256!, index: Number(digits) };
  }
}

function level(name: string, what: string): string {
  if (NAME.test(name)) return name;
  throw new InputError(
    'ota-topic',
    `the ${what} ${JSON.stringify(name)} cannot be a level of an MQTT topic`,
    {
      facts: { [what]: name },
    },
  );
}

/** Requests of many nodes, each given its turn and no more than its share. Pure: time is an argument. */

import type { Request } from '../../protocol/frames.ts';

export interface QueueLimits {
  /** Content for one node. */
  readonly nodeBytesPerSecond: number;
  /** Content that one node may have at once after a pause. */
  readonly nodeBurst: number;
  /** Content for all nodes; undefined: as much as the broker takes. */
  readonly bytesPerSecond: number | undefined;
}

export const QUEUE_LIMITS: QueueLimits = {
  nodeBytesPerSecond: 32 * 1024 * 1024,
  nodeBurst: 32 * 1024 * 1024,
  bytesPerSecond: undefined,
};

export interface Waiting {
  readonly node: string;
  readonly request: Request;
}

interface NodeQueue {
  /** By what they ask for: who asks again is answered once, under the later id. */
  readonly requests: Map<string, Request>;
  tokens: number;
  at: number;
}

/** A node asks for 8 blocks at a time. */
const MOST_PER_NODE = 32;
/** Names on the wire cost nothing. */
const MOST_NODES = 4096;

export class RequestQueue {
  readonly #limits: QueueLimits;
  /** In the order of their turns. */
  readonly #nodes = new Map<string, NodeQueue>();
  #tokens: number;
  #at = 0;

  constructor(limits: QueueLimits) {
    this.#limits = limits;
    this.#tokens = limits.bytesPerSecond ?? 0;
  }

  /** @returns false when the node has its fill of requests, or there are too many nodes. */
  push(node: string, request: Request, now: number): boolean {
    const queue = this.#queueOf(node, now);
    if (!queue) return false;
    const key = keyOf(request);
    if (!queue.requests.has(key) && queue.requests.size >= MOST_PER_NODE) return false;
    queue.requests.set(key, request);
    return true;
  }

  /** The next request that may be answered now. */
  next(now: number): Waiting | undefined {
    const { bytesPerSecond, nodeBytesPerSecond, nodeBurst } = this.#limits;
    if (bytesPerSecond !== undefined) {
      this.#tokens = Math.min(bytesPerSecond, this.#tokens + ((now - this.#at) * bytesPerSecond) / 1000);
      this.#at = now;
      if (this.#tokens <= 0) return undefined;
    }
    for (const [node, queue] of this.#nodes) {
      const [first] = queue.requests;
      if (!first) continue;
      queue.tokens = Math.min(nodeBurst, queue.tokens + ((now - queue.at) * nodeBytesPerSecond) / 1000);
      queue.at = now;
      if (queue.tokens <= 0) continue;
      const [key, request] = first;
      queue.requests.delete(key);
      queue.tokens -= request.length;
      this.#tokens -= request.length;
      this.#nodes.delete(node);
      this.#nodes.set(node, queue);
      return { node, request };
    }
    return undefined;
  }

  get waiting(): boolean {
    for (const { requests } of this.#nodes.values()) if (requests.size > 0) return true;
    return false;
  }

  #queueOf(node: string, now: number): NodeQueue | undefined {
    const known = this.#nodes.get(node);
    if (known) return known;
    if (this.#nodes.size >= MOST_NODES && !this.#forgetIdle(now)) return undefined;
    const queue: NodeQueue = { requests: new Map(), tokens: this.#limits.nodeBurst, at: now };
    this.#nodes.set(node, queue);
    return queue;
  }

  /** One whose share is whole again: forgetting it gives it nothing. */
  #forgetIdle(now: number): boolean {
    const { nodeBytesPerSecond, nodeBurst } = this.#limits;
    for (const [node, { requests, tokens, at }] of this.#nodes) {
      if (requests.size > 0 || tokens + ((now - at) * nodeBytesPerSecond) / 1000 < nodeBurst) continue;
      this.#nodes.delete(node);
      return true;
    }
    return false;
  }
}

function keyOf({ subject, offset }: Request): string {
  return `${'metadata' in subject ? subject.metadata : subject.blob} ${offset}`;
}

/** What a fuzzer calls with any bytes: each reader of messages takes them or refuses them, and never throws. */

import { decodeAnnouncement, encodeAnnouncement } from '../../../../ota/protocol/announce.ts';
import {
  decodeRequest,
  decodeResponse,
  encodeRequest,
  encodeResponse,
  MOST_CONTENT,
} from '../../../../ota/protocol/frames.ts';
import { decodeTimeReply, decodeTimeRequest } from '../../../../ota/protocol/time.ts';
import { OtaTopics } from '../../../../ota/protocol/topics.ts';

const topics = new OtaTopics('site');

export function fuzzFrames(bytes: Uint8Array): void {
  const request = decodeRequest(bytes);
  if (request && Buffer.compare(encodeRequest(request), bytes) !== 0) throw new RangeError('request changed');
  const response = decodeResponse(bytes);
  if (response && Buffer.compare(encodeResponse(response), bytes) !== 0)
    throw new RangeError('response changed');
  if (response && response.bytes.length > MOST_CONTENT) throw new RangeError('more content than a frame has');
  const announcement = decodeAnnouncement(bytes);
  if (announcement) encodeAnnouncement(announcement);
  decodeTimeRequest(bytes);
  decodeTimeReply(bytes);
  const text = Buffer.from(bytes).toString('latin1');
  topics.nodeOf(text);
  topics.nodeOf(`${topics.root}/${text}`);
  topics.blockOf(`${topics.root}/blob/${text}`);
}

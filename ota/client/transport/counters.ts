/** What updates cost on the wire and what came of it, as plain numbers since the source was made. */
export interface TransferCounters {
  requests: number;
  /** Requests sent again, whatever the reason. */
  retries: number;
  /** Requests whose answer did not come in time. */
  timeouts: number;
  /** Content in answers to this node, wanted or not. */
  bytesReceived: number;
  /** Content of broadcast blocks. */
  bytesBroadcast: number;
  /** Content that passed its check and was kept. */
  bytesKept: number;
  /** Blocks with the wrong hash or length. */
  blocksBad: number;
  /** Blocks that were there already. */
  blocksDuplicate: number;
  /** Blocks that came faster than they could be written. */
  blocksDropped: number;
  /** Messages that are no answer to anything asked. */
  framesIgnored: number;
  answersAbsent: number;
  answersBusy: number;
}

export function newCounters(): TransferCounters {
  return {
    requests: 0,
    retries: 0,
    timeouts: 0,
    bytesReceived: 0,
    bytesBroadcast: 0,
    bytesKept: 0,
    blocksBad: 0,
    blocksDuplicate: 0,
    blocksDropped: 0,
    framesIgnored: 0,
    answersAbsent: 0,
    answersBusy: 0,
  };
}

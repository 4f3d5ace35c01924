/** Reports of nodes that do not exist, signed as real ones are. */

import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import {
  encodeReport,
  type NodeReport,
  publicKeyText,
  type ReportedModel,
} from '../../ota/protocol/report.ts';

export interface FakeNode {
  readonly node: string;
  readonly key: KeyObject;
}

export const fakeNode = (node: string): FakeNode => ({
  node,
  key: generateKeyPairSync('ed25519').privateKey,
});

export function reportOf(
  { node, key }: FakeNode,
  counter: number,
  more: Partial<NodeReport> = {},
): NodeReport {
  return {
    ...{ _type: 'vigie-node-state', v: 1, node, group: 'default', key: publicKeyText(key), counter, time: 0 },
    ...{ timeTrust: 'SIGNED', runtime: '0.4.0', models: [], configuration: null, metadata: {} },
    ...{ lastError: null, attack: false },
    ...more,
  };
}

export const signedReport = (node: FakeNode, counter: number, more: Partial<NodeReport> = {}): Uint8Array =>
  encodeReport(reportOf(node, counter, more), node.key);

export function modelOf(name: string, more: Partial<ReportedModel> = {}): ReportedModel {
  return {
    ...{ name, active: null, previous: null, trial: null, staged: null, floor: 0, serving: null },
    ...{ trouble: null, blocked: [], pinned: false, refused: null },
    ...more,
  };
}

/** The printed configuration: one line per tag, so that a person can read all of it. */

import { Document, isMap, visit } from 'yaml';
import type { SourceConfigInput } from '../modbus/sources-config.ts';

export function sourcesYaml(sources: readonly SourceConfigInput[]): string {
  const document = new Document({ sources });
  visit(document, {
    Map(_key, node) {
      if (isMap(node) && (node.has('address') || node.has('host') || node.has('baudRate'))) node.flow = true;
    },
  });
  return document.toString({ lineWidth: 0, flowCollectionPadding: true });
}

/** The graph as a graph: every name defined once, every input defined, nodes in an order that can be executed. */

import { ModelError } from '../../../runtime/core/errors.ts';
import type { Decoded } from './messages.ts';

type GraphMessage = Decoded<'Graph'>;
type NodeMessage = Decoded<'Node'>;

export interface NamedNode {
  /** The ONNX name, or `<op>#<index>`. */
  readonly name: string;
  readonly message: NodeMessage;
}

/** As many names of a cycle as still help. */
const MOST_NAMED = 8;

/**
 * @returns the nodes in execution order
 * @throws ModelError `onnx-name` for names defined twice or nowhere, `onnx-cycle`
 */
export function orderNodes(graph: GraphMessage): NamedNode[] {
  const nodes = (graph.node ?? []).map((message, index) => ({
    name: message.name || `${message.opType ?? ''}#${index}`,
    message,
  }));
  const producers = defineNames(graph, nodes);
  for (const { name } of graph.output ?? []) {
    if (!name || !producers.has(name)) {
      throw badName(`the graph's output \`${name ?? ''}\` is produced by no node`);
    }
  }
  return sort(nodes, producers);
}

type Producers = ReadonlyMap<string, NamedNode | undefined>;

/** @returns who produces each value; undefined for inputs and initialisers */
function defineNames(graph: GraphMessage, nodes: readonly NamedNode[]): Producers {
  const producers = new Map<string, NamedNode | undefined>();
  const given = [...(graph.initializer ?? []), ...(graph.input ?? [])].map(({ name }) => name);
  for (const name of given) if (name) producers.set(name, undefined);
  for (const [what, list] of [
    ['initialisers', graph.initializer],
    ['inputs', graph.input],
    ['outputs', graph.output],
  ] as const) {
    const names = (list ?? []).map(({ name }) => name ?? '');
    if (names.includes('')) throw badName(`one of the graph's ${what} has no name`);
    const twice = names.find(
      (
        (seen) => (name) =>
          seen.size === seen.add(name).size
      )(new Set<string>()),
    );
    if (twice !== undefined) throw badName(`two of the graph's ${what} are called \`${twice}\``);
  }
  for (const node of nodes) {
    if (!node.message.opType) throw badName(`node ${node.name} has no operator`, node);
    for (const output of node.message.output ?? []) {
      if (output === '') continue;
      if (producers.has(output)) {
        const other = producers.get(output)?.name ?? 'an input or initialiser of the graph';
        throw badName(`node ${node.name} gives \`${output}\`, which ${other} defines already`, node);
      }
      producers.set(output, node);
    }
  }
  return producers;
}

function sort(nodes: readonly NamedNode[], producers: Producers): NamedNode[] {
  const waiting = new Map<NamedNode, number>();
  const consumers = new Map<NamedNode, NamedNode[]>();
  for (const node of nodes) {
    let count = 0;
    for (const input of new Set(node.message.input)) {
      if (input === '') continue;
      if (!producers.has(input)) {
        throw badName(
          `node ${node.name} (${node.message.opType}) reads \`${input}\`, which nothing defines`,
          node,
        );
      }
      const producer = producers.get(input);
      if (!producer) continue;
      count++;
      const list = consumers.get(producer);
      if (list) list.push(node);
      else consumers.set(producer, [node]);
    }
    waiting.set(node, count);
  }
  // Subgraphs reach outer values by name alone; the file's order, which ONNX prescribes, serves those.
  const ordered = nodes.filter((node) => waiting.get(node) === 0);
  for (const node of ordered) {
    for (const consumer of consumers.get(node) ?? []) {
      const left = waiting.get(consumer)! - 1;
      waiting.set(consumer, left);
      if (left === 0) ordered.push(consumer);
    }
  }
  if (ordered.length < nodes.length) throw cycle(nodes, producers, waiting);
  return inFileOrder(nodes, producers) ? [...nodes] : ordered;
}

function inFileOrder(nodes: readonly NamedNode[], producers: Producers): boolean {
  const done = new Set<NamedNode>();
  return nodes.every((node) => {
    const ready = (node.message.input ?? []).every((input) => {
      const producer = producers.get(input);
      return !producer || done.has(producer);
    });
    done.add(node);
    return ready;
  });
}

/** Follows unfinished producers until a node comes again. */
function cycle(
  nodes: readonly NamedNode[],
  producers: Producers,
  waiting: Map<NamedNode, number>,
): ModelError {
  const met = new Set<NamedNode>();
  let at = nodes.find((node) => waiting.get(node)! > 0)!;
  while (!met.has(at)) {
    met.add(at);
    at = (at.message.input ?? [])
      .map((input) => producers.get(input))
      .find((node) => node && waiting.get(node)! > 0)!;
  }
  const path = [...met];
  const names = path
    .slice(path.indexOf(at))
    .map(({ name }) => name)
    .reverse();
  const shown = names.length > MOST_NAMED ? [...names.slice(0, MOST_NAMED), '…'] : names;
  return new ModelError('onnx-cycle', `the graph runs in a circle: ${[...shown, shown[0]].join(' → ')}`, {
    facts: { node: names[0] },
  });
}

function badName(text: string, node?: NamedNode): ModelError {
  return new ModelError('onnx-name', text, { facts: { node: node?.name } });
}

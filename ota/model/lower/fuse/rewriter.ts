/** A graph under rewriting. Passes look for a node and what surrounds it, and put one node in their place. */

import type { Graph, Node, Value } from '../../graph.ts';
import { numbersIn } from '../attributes.ts';

export class Rewriter {
  readonly fused: string[] = [];
  readonly #graph: Graph;
  readonly #values: Map<string, Value>;
  #nodes: Node[];
  #producers = new Map<string, Node>();
  #consumers = new Map<string, Node[]>();

  constructor(graph: Graph) {
    this.#graph = graph;
    this.#values = new Map(graph.values);
    this.#nodes = [...graph.nodes];
    this.#index();
  }

  /** In execution order; a snapshot, in which a pass may meet nodes that it has replaced itself. */
  get nodes(): readonly Node[] {
    return this.#nodes;
  }

  finish(): Graph {
    return { ...this.#graph, values: this.#values, nodes: this.#nodes };
  }

  isPresent(node: Node): boolean {
    return this.#producers.get(node.outputs[0]!) === node;
  }

  value(name: string): Value | undefined {
    return this.#values.get(name);
  }

  /** A float32 constant that is no quantised one. */
  constant(name: string): Value | undefined {
    const value = this.#values.get(name);
    return value?.data && value.type === 'float32' && !value.quantization ? value : undefined;
  }

  /** The number that a constant of one element holds. */
  scalar(name: string | undefined): number | undefined {
    const value = name === undefined ? undefined : this.constant(name);
    if (!value) return undefined;
    const numbers = numbersIn(value);
    return numbers.length === 1 ? numbers[0] : undefined;
  }

  producer(name: string): Node | undefined {
    return this.#producers.get(name);
  }

  consumers(name: string): readonly Node[] {
    return this.#consumers.get(name) ?? [];
  }

  /** The one node that reads the value, where no output of the model needs it. */
  soleConsumer(name: string): Node | undefined {
    const nodes = this.consumers(name);
    return nodes.length === 1 && !this.#graph.outputs.includes(name) ? nodes[0] : undefined;
  }

  isInternal(name: string): boolean {
    return this.soleConsumer(name) !== undefined;
  }

  /** Adds a constant. @returns its name */
  addFloats(near: string, shape: readonly number[], numbers: ArrayLike<number>): string {
    const data = new Uint8Array(Float32Array.from(numbers).buffer);
    return this.addConstant({ name: near, type: 'float32', shape, data });
  }

  /** Adds a constant under a name of its own, near that of the given value. @returns the name */
  addConstant(value: Value): string {
    const name = `${value.name} (fused ${this.#values.size})`;
    this.#values.set(name, { ...value, name });
    return name;
  }

  /** Puts `node` where the last of `old` was; the others go. */
  replace(old: readonly Node[], node: Node): void {
    const last = Math.max(...old.map((one) => this.#nodes.indexOf(one)));
    this.#nodes = this.#nodes.flatMap((one, i) => (i === last ? [node] : old.includes(one) ? [] : [one]));
    this.fused.push(old.map(({ name }) => name).join(' + '));
    this.#index();
  }

  #index(): void {
    this.#producers = new Map(
      this.#nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)),
    );
    this.#consumers = new Map();
    for (const node of this.#nodes) {
      for (const name of node.inputs) {
        const known = this.#consumers.get(name);
        if (known) known.push(node);
        else this.#consumers.set(name, [node]);
      }
    }
  }
}

/** What every step of the boot test has at hand. */

import { waitFor } from '../../../test/support/wait.ts';
import type { Guest, GuestOptions } from '../guest.ts';
import { SITE, type World } from '../world.ts';

export interface Context {
  readonly guest: Guest;
  readonly world: World;
  /** What the node calls itself. */
  readonly node: string;
  /** Writes the image to another card, for another machine. */
  flash(name: string, more: Pick<GuestOptions, 'clock' | 'mac'>): Guest;
  /** Prints a line of the report. */
  note(line: string): void;
}

export type Step = (context: Context) => Promise<void>;

/** Emulated boards are some twenty times slower than real ones. Milliseconds. */
export const PATIENCE = 600_000;

/** Waits for a message under the node's topic, from now on unless `since` says an earlier count of messages. */
export async function hear(
  { world, guest, node }: Context,
  end: string,
  // biome-ignore lint/suspicious/noExplicitAny: foreign JSON.
  wanted: (body: any) => boolean,
  since = world.ears.messages.length,
) {
  const topic = `vigie/${SITE}/${node}/${end}`;
  const found = () => {
    guest.check();
    const heard = world.ears.messages.slice(since);
    return heard.find((message) => message.topic === topic && message.body && wanted(message.body));
  };
  try {
    return (await waitFor(`a message on ${topic}`, found, PATIENCE)).body;
  } catch (error) {
    const last = world.ears.messages
      .slice(-5)
      .map(({ topic, payload }) => `${topic} ${payload.slice(0, 300)}`);
    throw new Error(
      `${(error as Error).message}; the last were:\n${last.join('\n')}\n${guest.console.slice(-1500)}`,
    );
  }
}

/** Gives the node another configuration, as `World.config` takes it, and starts it with that. */
export async function reconfigure(
  { guest, world }: Context,
  more: Readonly<Record<string, unknown>>,
): Promise<void> {
  await guest.run(`cat >/etc/vigie/vigie.yaml <<'END'\n${world.config(more)}\nEND`);
  await guest.run('systemctl restart vigie-apply.service vigie.service', PATIENCE);
}

export function expect(condition: unknown, otherwise: string): asserts condition {
  if (!condition) throw new Error(otherwise);
}

/** A node in front of a repository: refreshes, and what it says when it is refused. */

import * as assert from 'uvu/assert';
import { TufClient } from '../../../../ota/client/tuf/client.ts';
import { OWN_REPOSITORY, type TufPolicy } from '../../../../ota/client/tuf/policy.ts';
import type { TrustedRepository } from '../../../../ota/client/tuf/trusted-repository.ts';
import { VigieError } from '../../../../runtime/core/errors.ts';
import { epochMillis } from '../../../../runtime/core/units.ts';
import { MemoryTrustStore } from '../../../support/memory-trust-store.ts';
import { NOW, type TufRepository } from '../../../support/tuf-repository.ts';

export class TestNode {
  readonly store = new MemoryTrustStore();
  readonly client: TufClient;
  readonly #repository: TufRepository;

  constructor(repository: TufRepository, policy: TufPolicy = OWN_REPOSITORY) {
    const { factoryRoot } = repository;
    this.#repository = repository;
    this.client = new TufClient({ source: repository, store: this.store, factoryRoot, policy });
  }

  refresh(now = NOW): Promise<TrustedRepository> {
    return this.client.refresh(epochMillis(now), new AbortController().signal);
  }

  /** @returns the text of the refusal, after making sure of its code and that of `untouched` nothing was replaced. */
  async refused(code: string, untouched: readonly string[] = [], now = NOW): Promise<string> {
    const stored = () => untouched.map((role) => String(this.store.read(`${role}.json`)));
    const before = stored();
    const text = await refusal(code, () => this.refresh(now));
    assert.equal(stored(), before, 'the store keeps what it trusted');
    return text;
  }

  /** What the last refreshes asked the repository for. */
  asked(): string[] {
    return this.#repository.asked.splice(0);
  }
}

export async function refusal(code: string, act: () => unknown): Promise<string> {
  try {
    await act();
  } catch (error) {
    if (!(error instanceof VigieError)) throw error;
    assert.is(error.code, code, error.message);
    return error.message;
  }
  assert.unreachable(`expected ${code}, and nothing was refused`);
  return '';
}

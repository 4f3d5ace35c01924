/** A repository at a glance, for people and scripts. Reads, and checks nothing. */

import type { AssignedRelease } from '../../bundle/assignment.ts';
import { assignmentOf, bundlesOf, groupsOf, type ListedBundle } from './add.ts';
import { DRAFTED, demandsFor, type SignedDraft, signatureStates } from './drafts.ts';
import { authorities, type RepositoryFolder } from './folder.ts';
import { METADATA_ROLES, type Role } from './roles.ts';

export interface RoleStatus {
  readonly role: Role;
  /** Of what is public. */
  readonly version?: number;
  readonly expires?: string;
  readonly threshold: number;
  readonly keyids: readonly string[];
}

export interface GroupStatus {
  readonly group: string;
  readonly releases: readonly AssignedRelease[];
  readonly blocked: readonly string[];
}

export interface RepositoryStatus {
  readonly roles: readonly RoleStatus[];
  readonly drafts: readonly SignedDraft[];
  /** Drafts included. */
  readonly bundles: readonly ListedBundle[];
  readonly groups: readonly GroupStatus[];
}

export function statusOf(folder: RepositoryFolder): RepositoryStatus {
  const published = folder.published();
  const by = authorities(folder, published);
  const roles: RoleStatus[] = METADATA_ROLES.map((role) => {
    const { threshold = 0, keyids = [] } = by.of(role)?.role ?? {};
    const signed = published[role]?.signed;
    return { role, threshold, keyids, ...(signed && { version: signed.version, expires: signed.expires }) };
  });
  const time = by.root?.['x-time'];
  if (time) roles.push({ role: 'time', ...time });
  return {
    roles,
    drafts: DRAFTED.flatMap((role) => {
      const draft = folder.draft(role);
      const states = draft && signatureStates(draft, demandsFor(folder, role));
      return draft && states ? [{ role, version: draft.signed.version, states }] : [];
    }),
    bundles: bundlesOf(folder),
    groups: groupsOf(folder).map((group) => {
      const { releases, blocked } = assignmentOf(folder, group);
      return { group, releases, blocked };
    }),
  };
}

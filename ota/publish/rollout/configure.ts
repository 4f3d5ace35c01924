/** The configuration that a group's assignment carries. */

import type { Assignment } from '../../bundle/assignment.ts';
import { assignmentOf, draftAssignment, writeBlob } from '../repository/add.ts';
import { type Publisher, publishAssignment } from './drive.ts';

/** @param bytes of a vigie.yaml; undefined takes it back. @throws as publish */
export async function configureGroup(
  publisher: Publisher,
  group: string,
  bytes: Uint8Array | undefined,
): Promise<Assignment['configuration']> {
  const { folder, now } = publisher;
  return folder.locked(async () => {
    const { configuration: _, ...before } = assignmentOf(folder, group);
    const configuration = bytes && { sha256: writeBlob(folder, bytes), length: bytes.length };
    draftAssignment(folder, { ...before, ...(configuration && { configuration }) }, now());
    await publishAssignment(publisher);
    return configuration;
  });
}

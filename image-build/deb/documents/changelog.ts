/** debian/changelog: one entry, since what changed is written once, in CHANGELOG.md. */

/** @param maintainer `Name <address>`. */
export function changelog(version: string, date: Date, maintainer: string): string {
  // Mon, 05 Jan 2026 10:00:00 +0000
  const stamp = date.toUTCString().replace('GMT', '+0000');
  return `vigie (${version}) stable; urgency=medium

  * New release; /usr/share/doc/vigie/CHANGELOG.md.gz says what changed.

 -- ${maintainer}  ${stamp}
`;
}

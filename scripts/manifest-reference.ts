/** The manifest's schema as text, for editors. */

import { z } from 'zod';
import { manifestSchema } from '../ota/bundle/manifest.ts';

/** docs/schema/manifest.schema.json */
export function manifestEditorSchema(): string {
  return `${JSON.stringify(z.toJSONSchema(manifestSchema, { io: 'input' }), undefined, 2)}\n`;
}

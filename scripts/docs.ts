/** Writes the generated pages; a test fails when they are not what the schema says. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../runtime/core/paths.ts';
import { editorSchema, profilePage, profileSchema, referencePage } from './config-reference.ts';
import { manifestEditorSchema } from './manifest-reference.ts';

writeFileSync(join(packageRoot, 'docs/configuration.md'), referencePage());
writeFileSync(join(packageRoot, 'docs/schema/vigie.schema.json'), editorSchema());
writeFileSync(join(packageRoot, 'docs/device-profile-reference.md'), profilePage());
writeFileSync(join(packageRoot, 'docs/schema/device-profile.schema.json'), profileSchema());
writeFileSync(join(packageRoot, 'docs/schema/manifest.schema.json'), manifestEditorSchema());

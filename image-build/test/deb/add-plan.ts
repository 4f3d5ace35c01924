/** Writes an XNNPACK plan that adds 1, 2, 3, 4 to its four inputs: `add-plan.ts FILE`. */

import { writeFileSync } from 'node:fs';
import { addPlan } from '../../../test/support/tiny-models.ts';

writeFileSync(process.argv[2]!, addPlan());

/** Building blocks of the manifest's schema. */

import { z } from 'zod';
import { RELATIVE_PATH } from './limits.ts';

export const described = <T extends z.ZodType>(schema: T, description: string): T =>
  schema.meta({ ...schema.meta(), description });

/** A file of the bundle: no way out of its folder. */
export const relativePath = z
  .string()
  .max(255)
  .regex(RELATIVE_PATH, "expected a path below the manifest's folder, such as 'model.onnx'");

import { readFileSync } from 'node:fs';
import type { z } from 'zod';

export type Env = Readonly<Record<string, string | undefined>>;

/** A configuration that can't be used; the message names every variable at fault and never a value. */
export class ConfigError extends Error {
  constructor(readonly problems: readonly string[]) {
    super(`Configuration is not usable:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.name = 'ConfigError';
  }
}

/**
 * Reads a configuration from environment variables by one schema. An empty variable counts as missing.
 * For a variable X that the schema knows, X_FILE names a file that holds the value (for secrets).
 * Throws ConfigError when a value is wrong or missing, or a file can't be read.
 */
export function loadConfig<Shape extends z.ZodRawShape>(schema: z.ZodObject<Shape>, env: Env): z.output<z.ZodObject<Shape>> {
  const problems: string[] = [];
  const values: Record<string, string> = {};
  for (const name of Object.keys(schema.shape)) {
    const direct = env[name];
    const file = env[`${name}_FILE`];
    if (direct !== undefined && direct !== '') values[name] = direct;
    else if (file !== undefined && file !== '') {
      try {
        values[name] = readFileSync(file, 'utf8').trim();
      } catch (error) {
        problems.push(`${name}_FILE: the file can't be read (${(error as NodeJS.ErrnoException).code ?? 'error'})`);
      }
    }
  }
  const result = schema.safeParse(values);
  if (!result.success) {
    for (const issue of result.error.issues) {
      const name = String(issue.path[0] ?? '');
      if (problems.some((problem) => problem.startsWith(`${name}_FILE:`))) continue;
      problems.push(name in values ? `${name}: ${issue.message}` : `${name} is missing (or ${name}_FILE): ${issue.message}`);
    }
  }
  if (problems.length > 0 || !result.success) throw new ConfigError(problems);
  return result.data;
}

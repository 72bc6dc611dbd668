import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from '@jest/globals';

/** Compares with golden/<name>.txt; UPDATE_GOLDEN=1 writes it. */
export function expectGolden(name: string, text: string): void {
  const file = join(import.meta.dirname, 'golden', `${name}.txt`);
  if (process.env['UPDATE_GOLDEN'] === '1') {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  expect(text).toBe(existsSync(file) ? readFileSync(file, 'utf8') : `(no file ${file})`);
}

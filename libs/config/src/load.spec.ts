import { writeFileSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { ConfigError, field, loadConfig } from './index.js';

const schema = z.object({
  HTTP_PORT: field.port().default(0),
  DATABASE_URL: field.url('postgres', 'postgresql'),
  DATABASE_PASSWORD: field.text(),
});

describe('loadConfig', () => {
  it('reads a secret from a file and applies defaults', () => {
    const file = join(mkdtempSync(join(tmpdir(), 'config-')), 'password');
    writeFileSync(file, 's3cret\n');
    expect(loadConfig(schema, { DATABASE_URL: 'postgres://u@h/db', DATABASE_PASSWORD_FILE: file })).toEqual({
      HTTP_PORT: 0,
      DATABASE_URL: 'postgres://u@h/db',
      DATABASE_PASSWORD: 's3cret',
    });
  });

  it('names every variable at fault and shows no value', () => {
    const attempt = () =>
      loadConfig(schema, { HTTP_PORT: '99999', DATABASE_URL: 'postgres://u:hunter2@h/db', DATABASE_PASSWORD_FILE: '/nowhere' });
    expect(attempt).toThrow(ConfigError);
    expect(attempt).toThrow(/HTTP_PORT: not a port[\s\S]*DATABASE_URL: not a URL/);
    expect(attempt).toThrow(/DATABASE_PASSWORD_FILE: the file can't be read \(ENOENT\)/);
    expect(attempt).not.toThrow(/hunter2|99999/);
  });

  it('treats an empty variable as missing', () => {
    expect(() => loadConfig(schema, { DATABASE_URL: '', DATABASE_PASSWORD: 'x' })).toThrow(/DATABASE_URL is missing/);
  });
});

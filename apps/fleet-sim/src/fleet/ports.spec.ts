import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { Ports } from './ports.js';

const file = () => join(mkdtempSync(join(tmpdir(), 'ports-')), 'ports.json');
const granted = (port: number) => Promise.resolve(port);
const taken = () => Promise.reject(Object.assign(new Error('taken'), { code: 'EADDRINUSE' }));

describe('ports', () => {
  it('gives a name the port it had before, from those that no outgoing connection takes', async () => {
    const path = file();
    const first = await Ports.open(path, 0);
    const [gateway, control] = [await first.listen('gateway/gateway-1', granted), await first.listen('control', granted)];
    expect([gateway, control].every((port) => port >= 20_000 && port <= 32_000)).toBe(true);
    const again = await Ports.open(path, 0);
    expect(await again.listen('control', granted)).toBe(control);
    expect(await again.listen('gateway/gateway-1', granted)).toBe(gateway);
  });

  it('replaces a remembered port that is taken, but not a fixed one', async () => {
    const path = file();
    writeFileSync(path, '{"control":4001}');
    const ports = await Ports.open(path, 0);
    expect(await ports.listen('control', (port) => (port === 4001 ? taken() : Promise.resolve(4009)))).toBe(4009);
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual({ control: 4009 });
    const fixed = await Ports.open(path, 5000);
    expect(await fixed.listen('a', (port) => Promise.resolve(port))).toBe(5000);
    expect(await fixed.listen('b', (port) => Promise.resolve(port))).toBe(5001);
    await expect(fixed.listen('c', taken)).rejects.toThrow('taken');
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual({ control: 4009 });
  });

  it('says which file is damaged', async () => {
    const path = file();
    writeFileSync(path, '{"control":"many"}');
    await expect(Ports.open(path, 0)).rejects.toThrow(path);
  });
});

import { describe, expect, it } from '@jest/globals';
import { defaultAllowedCidrs } from '@fairlead/outbound';
import { createEndpointPolicy, defaultAllowedHosts } from './endpoint-policy.js';

const standard = createEndpointPolicy({ allowedCidrs: defaultAllowedCidrs, allowedHosts: defaultAllowedHosts });

describe('endpoint policy', () => {
  it.each([
    ['http://127.0.0.1:4000', 'http://127.0.0.1:4000'],
    ['https://10.1.2.3/base/', 'https://10.1.2.3/base'],
    ['http://localhost:80/', 'http://localhost'],
    ['http://[::1]:9000', 'http://[::1]:9000'],
    ['http://0x7f.1:4000', 'http://127.0.0.1:4000'],
  ])('takes %s as %s', (url, canonical) => {
    expect(standard.check(url)).toBe(canonical);
  });

  it.each([
    'ftp://127.0.0.1',
    'file:///etc/passwd',
    'not a url',
    'http://user:secret@127.0.0.1',
    'http://127.0.0.1/?next=x',
    'http://127.0.0.1/#x',
    'http://8.8.8.8',
    'http://169.254.169.254/latest/meta-data',
    'http://0xa9fea9fe/',
    'http://2852039166/',
    'http://[::ffff:169.254.169.254]',
    'http://[fe80::1]',
    'http://0.0.0.0:80',
    'http://metadata.google.internal',
    'http://localhost.evil.example',
    `http://127.0.0.1/${'a'.repeat(600)}`,
  ])('refuses %s', (url) => {
    expect(() => standard.check(url)).toThrow(expect.objectContaining({ code: 'invalid_argument' }));
  });

  it('never tells credentials of a refused URL', () => {
    expect(() => standard.check('http://user:hunter2@8.8.8.8')).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('hunter2') as unknown, details: {} }),
    );
  });

  it('refuses link-local addresses even when everything is allowed, and takes names the configuration allows', () => {
    const open = createEndpointPolicy({ allowedCidrs: '0.0.0.0/0,::/0', allowedHosts: 'runner.example, *.fleet.internal' });
    expect(open.check('http://8.8.8.8')).toBe('http://8.8.8.8');
    expect(open.check('http://a.fleet.internal:1')).toBe('http://a.fleet.internal:1');
    for (const url of ['http://169.254.1.1', 'http://[fe80::2]', 'http://fleet.internal', 'http://xfleet.internal', 'http://localhost']) {
      expect(() => open.check(url)).toThrow(expect.objectContaining({ code: 'invalid_argument' }));
    }
  });
});

import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { showSecret, signatureHeaders } from './webhook-signature.js';

const now = () => Math.floor(Date.now() / 1_000);
const message = { id: 'evt_1', body: '{"a":1}' };

describe('signatureHeaders', () => {
  it('signs so that the reference implementation takes it, whatever is said', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.uint8Array({ minLength: 24, maxLength: 64 }), (said, bytes) => {
        const body = JSON.stringify({ said });
        const secret = Buffer.from(bytes);
        const headers = signatureHeaders({ id: 'evt_1', timestamp: now(), body }, [secret]);
        expect(new Webhook(showSecret(secret)).verify(body, headers)).toEqual({ said });
      }),
    );
  });

  it('signs with each secret, and is taken by none other', () => {
    const [present, before, other] = [randomBytes(32), randomBytes(32), randomBytes(32)];
    const headers = signatureHeaders({ ...message, timestamp: now() }, [present, before]);
    expect(headers['webhook-signature']?.split(' ')).toHaveLength(2);
    for (const secret of [present, before]) expect(new Webhook(showSecret(secret)).verify(message.body, headers)).toEqual({ a: 1 });
    expect(() => new Webhook(showSecret(other)).verify(message.body, headers)).toThrow('No matching signature found');
  });

  it('covers id, time and body', () => {
    const secret = randomBytes(32);
    const headers = signatureHeaders({ ...message, timestamp: now() }, [secret]);
    const receiver = new Webhook(showSecret(secret));
    expect(() => receiver.verify('{"a":2}', headers)).toThrow('No matching signature found');
    expect(() => receiver.verify(message.body, { ...headers, 'webhook-id': 'evt_2' })).toThrow('No matching signature found');
    expect(() => receiver.verify(message.body, { ...headers, 'webhook-timestamp': String(now() - 60) })).toThrow(
      'No matching signature found',
    );
    const old = signatureHeaders({ ...message, timestamp: now() - 600 }, [secret]);
    expect(() => receiver.verify(message.body, old)).toThrow('Message timestamp too old');
  });

  it('gives secrets the form that the specification names', () => {
    expect(showSecret(Buffer.alloc(24))).toBe(`whsec_${'A'.repeat(32)}`);
  });
});

import { z } from 'zod';
import { namePattern, type auditV1 } from '@fairlead/contracts';
import type { Messaging } from '@fairlead/messaging';
import { rpc, type Rpc } from '@fairlead/rpc';
import { pageOf } from '../domain/page.js';
import { letterMessage } from './dead-letters.js';
import { parseInput } from './input.js';

const defaultLimit = 50;
const maxLimit = 200;

const requestSchema = z.object({
  limit: z.int().min(0, `not within 1 and ${maxLimit}`).max(maxLimit, `not within 1 and ${maxLimit}`),
  after: z.int().min(0, 'not a sequence of the dead-letter stream'),
  consumer: z
    .string()
    .refine((name) => name === '' || namePattern.test(name), 'not the name of a consumer')
    .transform((name) => (name === '' ? undefined : name)),
});

/** Lists dead letters, oldest first. Throws `unavailable` while NATS is away. */
export const listDeadLetters = ({
  messaging,
}: {
  messaging: Messaging;
}): Rpc<auditV1.ListDeadLettersRequest, auditV1.ListDeadLettersResponse> =>
  rpc('deadletter.read', async (request) => {
    const { after, consumer, limit: asked } = parseInput(requestSchema, request);
    const limit = asked === 0 ? defaultLimit : asked;
    const read = await messaging.deadLetters.list({ consumer, after, limit: limit + 1 });
    const { records, more } = pageOf(read.map(letterMessage), ({ payload }) => payload, limit);
    return { letters: [...records], nextAfter: more ? (records.at(-1)?.sequence ?? 0) : 0 };
  });

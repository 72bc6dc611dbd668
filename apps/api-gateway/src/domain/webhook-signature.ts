/** Signatures of webhooks, by the specification Standard Webhooks (standardwebhooks.com), symmetric. Pure. */
import { createHmac } from 'node:crypto';

const prefix = 'whsec_';

/** How many bytes a secret has. */
export const webhookSecretBytes = 32;

/** A secret as receivers are given it. */
export function showSecret(secret: Buffer): string {
  return prefix + secret.toString('base64');
}

export interface SignedMessage {
  /** Stays the same however often the message is sent. */
  readonly id: string;
  /** When it is sent, in whole seconds since 1970. */
  readonly timestamp: number;
  readonly body: string;
}

/** The headers that tell a receiver who sent a message: a signature by each secret, so that either is good while secrets are rotated. */
export function signatureHeaders({ id, timestamp, body }: SignedMessage, secrets: readonly Buffer[]): Record<string, string> {
  const signed = `${id}.${String(timestamp)}.${body}`;
  const signatures = secrets.map((secret) => `v1,${createHmac('sha256', secret).update(signed).digest('base64')}`);
  return { 'webhook-id': id, 'webhook-timestamp': String(timestamp), 'webhook-signature': signatures.join(' ') };
}

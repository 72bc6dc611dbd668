import { Controller, Get, Header, Inject } from '@nestjs/common';
import { z } from 'zod';
import { issuerOf, type PublicJwk } from '@fairlead/auth';
import { controlPlaneServices } from '@fairlead/contracts';
import { tellByHttps, type TlsSource } from '@fairlead/tls';
import { Public } from '../edge/access.js';
import { Answers } from '../edge/answers.js';

/** Under this Nest hands to the controller what answers the keys that are trusted at present. */
export const trustedKeys = Symbol('trusted keys');

const jwksSchema = z
  .object({
    keys: z.array(
      z.object({
        kty: z.string().optional(),
        crv: z.string().optional(),
        x: z.string().optional(),
        kid: z.string(),
        alg: z.string().optional(),
        use: z.string().optional(),
      }),
    ),
  })
  .meta({ id: 'Jwks' });

@Controller('.well-known')
export class JwksController {
  constructor(@Inject(trustedKeys) private readonly trusted: () => readonly PublicJwk[]) {}

  /** The public keys that user tokens are signed with; the other services' keys are nobody's business. */
  @Get('jwks.json')
  @Public()
  @Answers('Tells the public keys that users’ access tokens are signed with.', jwksSchema)
  @Header('cache-control', 'public, max-age=60')
  keys() {
    return keySetOf(this.trusted());
  }
}

/** The gateway's own among the keys that are trusted, as a key set. */
function keySetOf(trusted: readonly PublicJwk[]): z.output<typeof jwksSchema> {
  const own = trusted.filter(({ kid }) => issuerOf(kid) === 'api-gateway');
  return { keys: own.map(({ kty, crv, x, kid, alg, use }) => ({ kty, crv, x, kid, alg, use })) };
}

/** Tells the key set to the other services by HTTPS, on a port that nobody else gets anything from. */
export function tellKeySet(
  trusted: () => readonly PublicJwk[],
  { source, host, port }: { source: TlsSource; host: string; port: number },
): Promise<{ port: number; close(): Promise<void> }> {
  const told = { path: '/.well-known/jwks.json', contentType: 'application/json', text: () => JSON.stringify(keySetOf(trusted())) };
  return tellByHttps(told, { source, host, port, readers: controlPlaneServices });
}

import { z } from 'zod';
import type { HttpClient } from './http/client.js';

const totp = '/admin/v1/auth/totp';
const codesSchema = z.looseObject({ recovery_codes: z.array(z.string()) });

/** The gateway's routes for second factors. */
export function createIdentityApi(http: HttpClient) {
  const post = <Schema extends z.ZodType>(schema: Schema, path: string, body: object) => http.json(schema, path, { method: 'POST', body });
  return {
    enrolTotp: (password: string) =>
      post(z.looseObject({ secret: z.string(), otpauth_uri: z.string() }), totp, { current_password: password }),
    confirmTotp: (code: string) => post(codesSchema, `${totp}/confirm`, { code }),
    renewRecoveryCodes: (password: string, code: string) =>
      post(codesSchema, `${totp}/recovery-codes`, { current_password: password, code }),
    disableTotp: (password: string, code: string) => post(z.unknown(), `${totp}/disable`, { current_password: password, code }),
    resetTotp: (userId: string, reason: string) =>
      post(z.looseObject({ user_id: z.string() }), `/admin/v1/users/${encodeURIComponent(userId)}/totp/reset`, { reason }),
  };
}

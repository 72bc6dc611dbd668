/** The gateway's operations on second factors and signing keys. */
import type { Caller } from './http/caller.js';

/** Binds these operations to a client. */
export function createIdentityApi({ one }: Caller) {
  return {
    enrolTotp: (password: string) => one('totp.enrol', { body: { current_password: password } }, ['secret', 'otpauth_uri']),
    confirmTotp: (code: string) => one('totp.confirm', { body: { code } }, ['recovery_codes']),
    renewRecoveryCodes: (password: string, code: string) =>
      one('totp.recoveryCodes', { body: { current_password: password, code } }, ['recovery_codes']),
    disableTotp: (password: string, code: string) => one('totp.disable', { body: { current_password: password, code } }),
    resetTotp: (id: string, reason: string) => one('users.resetTotp', { path: { id }, body: { reason } }, ['user_id']),
    signingKeys: () => one('signingKeys.list', {}, ['items']),
    rotateSigningKeys: (reason: string) => one('signingKeys.rotate', { body: { reason } }, ['kid']),
  };
}

import { z } from 'zod';
import { eventType, nextVersion, type AggregateEvents } from './define.js';
import { count, roleNames, text, time } from './fields.js';

const access = z.strictObject({ roles: roleNames, disabled: z.boolean() });
/** What a token is kept to. */
const scope = z.strictObject({ tenants: z.array(text).optional(), nodes: z.array(text).optional() });
const newToken = { token_id: text, name: text, expires_at: time, scope: scope.optional() };
const onSession = z.strictObject({ session_id: text, address: text });

const attempt = z.strictObject({ email: text, address: text });
/** Whose login, second factor or credential something is about. */
const ofUser = z.strictObject({ email: text });

/** Users, their logins, sessions and API tokens. Who may read the audit trail sees them there too. */
export const userEvents = {
  permission: 'audit.read',
  types: {
    // A service account is told of by its name, and as whom its e-mail address shows it.
    user_created: eventType(z.strictObject({ email: text, roles: roleNames, issuer: text.optional(), service_account: text.optional() })),
    user_changed: eventType(z.strictObject({ before: access, after: access })),
    // Service accounts alone come to an end; what they did stays theirs.
    user_deleted: eventType(z.strictObject({ email: text, service_account: text })),
    password_changed: eventType(ofUser),
    totp_enrolled: eventType(ofUser),
    totp_confirmed: eventType(ofUser),
    totp_disabled: eventType(ofUser),
    totp_reset: eventType(ofUser),
    recovery_code_used: eventType(ofUser.extend({ left: count })),
    recovery_codes_replaced: eventType(ofUser),
    // Logins of the first releases had no session; an issuer is where somebody signed in instead of here.
    login_succeeded: eventType(
      z.strictObject({ email: text, address: text, session_id: text.optional(), second_factor: text.optional(), issuer: text.optional() }),
    ),
    login_failed: eventType(z.strictObject({ email: text, address: text, cause: z.enum(['unknown_user', 'disabled', 'wrong_password']) })),
    // Somebody who is nobody here; of the name that they typed, which may be a password, a keyed mark. `unrecorded`: refusals before this one that were too many.
    sign_in_refused: eventType(
      z.strictObject({
        cause: text,
        name_mark: text.optional(),
        address: text.optional(),
        issuer: text.optional(),
        unrecorded: count.optional(),
      }),
    ),
    // The password was right, and a code is asked for.
    second_factor_requested: eventType(attempt),
    // The password was right, and the code was not.
    second_factor_failed: eventType(attempt),
    logged_out: eventType(onSession),
    session_refresh_refused: eventType(onSession.extend({ cause: z.literal('revoked') })),
    session_revoked: eventType(z.strictObject({ session_id: text })),
    sessions_revoked: eventType(z.strictObject({ count, cause: text })),
    // Custom roles came later, with what each gave when the token was made: it never has more of them.
    api_token_created: nextVersion(
      eventType(z.strictObject({ ...newToken, roles: roleNames })),
      (payload) => payload,
      z.strictObject({ ...newToken, roles: z.array(text), permissions: z.record(text, z.array(text)).optional() }),
    ),
    api_token_rotated: eventType(z.strictObject({ token_id: text, name: text, previous_until: time.optional() })),
    api_token_revoked: eventType(z.strictObject({ token_id: text, name: text })),
  },
} as const satisfies AggregateEvents;

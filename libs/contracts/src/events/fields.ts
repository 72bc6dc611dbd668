/** Parts that the payloads of several event types share. */
import { z } from 'zod';
import { placedKinds, serviceKinds } from '../kinds.js';
import { roles as allRoles, type Role } from '../permissions.js';

export const text = z.string();
/** An integer from 0 on. */
export const count = z.int().nonnegative();
/** RFC 3339, UTC. */
export const time = z.iso.datetime();
export const serviceKind = z.enum(serviceKinds);
export const placedKind = z.enum(placedKinds);
export const roleNames = z.array(z.enum(Object.keys(allRoles) as [Role, ...Role[]]));
/** What a kind of job, or a step, makes of it: JSON whose form is its own. */
export const freeForm = z.record(z.string(), z.unknown());
/** A failure as it is told; codes are text, for each release knows more of them. */
export const failure = z.strictObject({ code: text, message: text });

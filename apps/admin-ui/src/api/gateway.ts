import { createClient } from './client.js';
import { browserDeps, createSession } from './session.js';

/** The session of this page, and the gateway as its user reaches it. */
export const session = createSession(browserDeps());
export const client = createClient(session);

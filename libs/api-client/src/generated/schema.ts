// Made from apps/api-gateway/openapi.json by tools/openapi.mjs: do not change it by hand.
/* eslint-disable */
export interface paths {
    "/.well-known/jwks.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tells the public keys that users’ access tokens are signed with. */
        get: operations["jwks.keys"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/api-tokens": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists API tokens, the newest first, also those that have ended. */
        get: operations["apiTokens.list"];
        put?: never;
        /** Makes an API token; no other answer ever holds it. */
        post: operations["apiTokens.create"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/api-tokens/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Ends an API token. */
        delete: operations["apiTokens.revoke"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/api-tokens/{id}/rotate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Answers a new secret for an API token; the one before works on for a while. */
        post: operations["apiTokens.rotate"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists the trail of who did what, as far as the caller may read it, the newest first. */
        get: operations["audit.list"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/audit/chain": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tells where the hash chain over the log stands, and its anchors. */
        get: operations["auditChain.get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/audit/export": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Answers events with their hashes and anchors, as lines of JSON, to be verified elsewhere. */
        get: operations["auditExport.get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/audit/segments": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists the sealed segments of the trail, the oldest first, and tells how far sealing has come. */
        get: operations["auditSegments.list"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/audit/segments/seal": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Has whole segments of the trail sealed that are older than a time. */
        post: operations["auditSegments.seal"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/audit/verify": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Holds as much of the log as one request may against its anchors; changes nothing. */
        post: operations["auditVerify.verify"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/auth/explain": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Explains whether somebody may do something somewhere, and why. */
        get: operations["access.explain"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/auth/login": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Signs a user in: an access token, and a session in a cookie. */
        post: operations["auth.login"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/auth/logout": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Ends the session in the cookie. */
        post: operations["auth.logout"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/auth/me": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tells who the caller is and what they may do. */
        get: operations["auth.me"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/auth/oidc": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists where people can sign in besides here. */
        get: operations["oidc.list"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/auth/oidc/{issuer}/callback": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Ends a sign-in at an issuer: an access token, and a session in a cookie. */
        post: operations["oidc.callback"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/auth/oidc/{issuer}/start": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Begins a sign-in at an issuer: where the browser is to go. */
        post: operations["oidc.start"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/auth/password": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Changes the caller’s password. */
        post: operations["auth.password"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/auth/refresh": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Answers a new access token for the session in the cookie. */
        post: operations["auth.refresh"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/auth/sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists the caller’s own sessions, the newest first. */
        get: operations["sessions.list"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/auth/sessions/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Ends one of the caller’s sessions. */
        delete: operations["sessions.revoke"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/auth/totp": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Sets a second factor up, which asks for no code until it is confirmed; no other answer holds its secret. */
        post: operations["totp.enrol"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/auth/totp/confirm": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Makes a second factor active; no other answer holds its recovery codes. */
        post: operations["totp.confirm"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/auth/totp/disable": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Takes the caller’s second factor away. */
        post: operations["totp.disable"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/auth/totp/recovery-codes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Answers other recovery codes instead of all there are. */
        post: operations["totp.recoveryCodes"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/auth/whoami": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tells who calls, what they hold and what they may do where. */
        get: operations["access.whoami"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/config": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists the configuration documents that were ever applied, as they are in force, without their content. */
        get: operations["config.list"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/config/{domain}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tells what is in force of a configuration document: its domain’s defaults when nothing was ever applied. */
        get: operations["config.get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/config/{domain}/diff": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tells what has to be done to one revision of a configuration document to make it another. */
        get: operations["config.diff"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/config/{domain}/history": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists the revisions of a configuration document, the newest first. */
        get: operations["config.history"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/config/{domain}/revisions/{revision}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tells a revision of a configuration document; 0 is its domain’s defaults. */
        get: operations["config.revision"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/data/tables": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists the control database’s tables, and what of them may be read. */
        get: operations["data.list"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/data/tables/{schema}/{table}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Answers rows of a table, and records who asked for them. */
        get: operations["data.read"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/dead-letters": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists messages that a consumer of events gave up on, the oldest first. */
        get: operations["deadLetters.list"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/dead-letters/{sequence}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tells of one such message. */
        get: operations["deadLetters.get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/dead-letters/{sequence}/discard": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Forgets the message. */
        post: operations["deadLetters.discard"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/dead-letters/{sequence}/replay": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Hands the message once more to the consumer that gave up on it. */
        post: operations["deadLetters.replay"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/definition-contents/{sha256}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tells the version of a definition that has a content, by the content’s hash. */
        get: operations["definitionContents.get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/definitions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists the definitions of effects and sagas by name, each with its newest version, without content. */
        get: operations["definitions.list"];
        put?: never;
        /** Adds the next version of a definition; a content that is there already is answered with its version. */
        post: operations["definitions.put"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/definitions/validate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Says everything that is wrong with a text as a definition. */
        post: operations["definitions.validate"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/definitions/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tells the newest version of a definition. */
        get: operations["definitions.get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/definitions/{name}/activations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists who is given which version of a definition, by documents in force and staged. */
        get: operations["definitions.activations"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/definitions/{name}/diff": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tells what has to be done to one version of a definition to make it another. */
        get: operations["definitions.diff"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/definitions/{name}/versions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists the versions of a definition, the newest first. */
        get: operations["definitions.versions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/definitions/{name}/versions/{version}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tells a version of a definition. */
        get: operations["definitions.version"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/definitions/{name}/versions/{version}/restore": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Takes the retirement of a version of a definition back; `changed` is false of one that was not retired. */
        post: operations["definitions.restore"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/definitions/{name}/versions/{version}/retire": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Lets a version of a definition be given to nobody any more; refused while somebody has it. */
        post: operations["definitions.retire"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/fleet/applied-placement": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Asks every gateway of the managed platform what placement it has applied. */
        get: operations["fleet.appliedPlacement"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/fleet/endpoints/{id}/history": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists what happened to an endpoint, the newest first. */
        get: operations["fleetHistory.history"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/fleet/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tells the changes of endpoints from a cursor on, and then live. */
        get: operations["fleetEvents.events"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/fleet/snapshot": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tells the health of every endpoint, as it was seen last. */
        get: operations["fleet.snapshot"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/jobs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists jobs, the newest first. */
        get: operations["jobs.list"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/jobs/config/apply": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Starts a planned change of a configuration document. */
        post: operations["jobs.configApply"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/jobs/config/rollback": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Starts a planned return of a configuration document to an earlier revision’s content. */
        post: operations["jobs.configRollback"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/jobs/config/validate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Says everything that is wrong with a text as the content of a configuration document. */
        post: operations["configValidate.validate"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/jobs/node-drain": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Starts the planned drain of a node, each shard by a job of its own. */
        post: operations["drains.drainNode"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/jobs/node-resume": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Starts the planned resume of a node, each shard by a job of its own. */
        post: operations["drains.resumeNode"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/jobs/rebalance": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Starts a planned rebalance, each move by a job of its own. */
        post: operations["jobs.rebalance"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/jobs/reload": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Starts a planned reload of a shard’s endpoints. */
        post: operations["jobs.reload"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/jobs/shard-decommission": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Starts the planned decommission of a shard, each move by a job of its own. */
        post: operations["jobs.decommission"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/jobs/shard-drain": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Starts the planned drain of a shard, each tenant by a job of its own. */
        post: operations["drains.drainShard"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/jobs/shard-resume": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Starts the planned resume of a shard, each tenant by a job of its own. */
        post: operations["drains.resumeShard"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/jobs/tenant-drain": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Starts a planned drain of a tenant. */
        post: operations["jobs.drain"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/jobs/tenant-migrate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Starts a planned move of a tenant. */
        post: operations["jobs.migrate"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/jobs/tenant-resume": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Starts a planned resume of a tenant. */
        post: operations["jobs.resume"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/jobs/tenants-migrate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Starts a planned move of many tenants, each by a job of its own. */
        post: operations["jobs.migrateMany"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/jobs/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tells how a job stands. */
        get: operations["jobs.get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/jobs/{id}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Asks a job to stop and to undo what it did. */
        post: operations["jobs.cancel"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/jobs/{id}/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tells a job’s events, from its beginning or a cursor on, and then live. */
        get: operations["jobEvents.events"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/jobs/{id}/pause": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Lets a job rest after the run at hand. */
        post: operations["jobs.pause"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/jobs/{id}/retry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Tries a job that needs attention again from the step that failed. */
        post: operations["jobs.retry"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/jobs/{id}/signals/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Tells a job what a step of it waits for. */
        post: operations["jobs.signal"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/jobs/{id}/unpause": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Lets a paused job go on. */
        post: operations["jobs.unpause"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/locks": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists what jobs have locked, and who waits for it. */
        get: operations["locks.list"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/log/aggregates": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists aggregates of the log, what changed last first. */
        get: operations["logAggregates.list"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/log/aggregates/{type}/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tells what the log knows of one aggregate. */
        get: operations["logAggregates.get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/log/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists events of the log by position; a page may hold none and still have a cursor. */
        get: operations["logEvents.list"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/log/events/{position}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tells one event of the log. */
        get: operations["logEvents.get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/log/stats": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tells where the log stands. */
        get: operations["logStats.get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/log/verify": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Checks as much of the log as one request may; changes nothing. */
        post: operations["logVerify.verify"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/placement": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tells the whole effective placement at one revision. */
        get: operations["placement.get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/placement/explain": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Explains why a tenant is on the shard where it is. */
        get: operations["placement.explain"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/placement/rebalance": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tells which tenants of a kind would move so that no shard has much more than its share; changes nothing. */
        get: operations["placement.rebalance"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/placement/tenants/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tells what balancing heeds of a tenant. */
        get: operations["placement.tenant"];
        /** Says what balancing heeds of a tenant; moves nobody. */
        put: operations["placement.putTenant"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/placement/what-if": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tells where the tenants of a shard would go if it died; changes nothing. */
        get: operations["placement.whatIf"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/plan/config/apply": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Plans to put a content of a configuration document in force. */
        post: operations["plans.configApply"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/plan/config/rollback": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Plans to put the content of an earlier revision of a configuration document in force again. */
        post: operations["plans.configRollback"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/plan/node-drain": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Plans the drain of all shards of a node: those whose label node is its name. */
        post: operations["drains.planDrainNode"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/plan/node-resume": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Plans the resume of all shards of a node: those whose label node is its name. */
        post: operations["drains.planResumeNode"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/plan/rebalance": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Plans which tenants of a kind move so that no shard has much more than its share, or so that one is empty. */
        post: operations["plans.rebalance"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/plan/reload": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Plans a reload of a shard’s endpoints. */
        post: operations["plans.reload"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/plan/shard-decommission": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Plans how a shard is taken out of service for good. */
        post: operations["plans.decommission"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/plan/shard-drain": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Plans the drain of a shard: no new tenants, and none served. */
        post: operations["drains.planDrainShard"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/plan/shard-resume": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Plans the resume of a shard: its drained tenants are served again, and it takes new ones. */
        post: operations["drains.planResumeShard"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/plan/tenant-drain": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Plans the drain of a tenant. */
        post: operations["plans.drain"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/plan/tenant-migrate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Plans the move of a tenant. */
        post: operations["plans.migrate"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/plan/tenant-resume": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Plans the resume of a tenant. */
        post: operations["plans.resume"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/plan/tenants-migrate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Plans the move of many tenants to the same shards. */
        post: operations["plans.migrateMany"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/plans/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tells a plan, by its id or its digest. */
        get: operations["plans.get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/plans/{id}/approve": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Approves a plan that needs the word of somebody other than who made it. */
        post: operations["plans.approve"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/projections": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists the projections of the log. */
        get: operations["projections.list"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/projections/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tells how far a projection is. */
        get: operations["projections.get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/projections/{name}/cancel-rebuild": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Gives a rebuild up. */
        post: operations["projections.cancelRebuild"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/projections/{name}/pause": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Lets a projection’s workers stop after the page at hand. */
        post: operations["projections.pause"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/projections/{name}/rebuild": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Fills the projection anew from the log’s beginning while the old one serves. */
        post: operations["projections.rebuild"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/projections/{name}/resume": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Lets a paused projection go on. */
        post: operations["projections.resume"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/projections/{name}/skip": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Lets the one event pass that the projection is stopped at. */
        post: operations["projections.skip"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/replicas": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists the processes that run jobs, of the last day. */
        get: operations["replicas.list"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/role-bindings": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists role bindings in the order of their ids, as far as the caller manages identity. */
        get: operations["roleBindings.list"];
        put?: never;
        /** Gives a principal a role on a part of the platform. */
        post: operations["roleBindings.create"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/role-bindings/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Takes a role from a principal. */
        delete: operations["roleBindings.delete"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/roles": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists roles in the order of their names, those of the product too. */
        get: operations["roles.list"];
        put?: never;
        /** Makes a role of permissions that the caller has themselves. */
        post: operations["roles.create"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/roles/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tells a role. */
        get: operations["roles.get"];
        put?: never;
        post?: never;
        /** Deletes a role that nobody holds. */
        delete: operations["roles.delete"];
        options?: never;
        head?: never;
        /** Changes what a role gives to all who hold it. */
        patch: operations["roles.change"];
        trace?: never;
    };
    "/admin/v1/schedules": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists schedules by name, as far as the caller may read them. */
        get: operations["schedules.list"];
        put?: never;
        /** Makes a schedule by which jobs are started. */
        post: operations["schedules.create"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/schedules/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Deletes a schedule; jobs that it has started go on. */
        delete: operations["schedules.delete"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/schedules/{id}/pause": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Starts no jobs by a schedule until it is let go on. */
        post: operations["schedules.pause"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/schedules/{id}/resume": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Starts jobs by a paused schedule again. */
        post: operations["schedules.resume"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/service-accounts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists service accounts in the order of their ids. */
        get: operations["serviceAccounts.list"];
        put?: never;
        /** Makes a service account, which holds no role yet. */
        post: operations["serviceAccounts.create"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/service-accounts/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tells a service account. */
        get: operations["serviceAccounts.get"];
        put?: never;
        post?: never;
        /** Deletes a service account for good, with its roles and tokens. */
        delete: operations["serviceAccounts.delete"];
        options?: never;
        head?: never;
        /** Disables a service account, which ends what its tokens let in at once, or enables it. */
        patch: operations["serviceAccounts.change"];
        trace?: never;
    };
    "/admin/v1/service-accounts/{id}/tokens": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Makes an API token of a service account; no other answer ever holds it. */
        post: operations["serviceAccounts.createToken"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/service-accounts/{id}/tokens/{token}/rotate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Answers a new secret for an API token of a service account; the one before works on for a while. */
        post: operations["serviceAccounts.rotateToken"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/shards": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists all shards, or those of one kind. */
        get: operations["shards.list"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/shards/{kind}/{shard_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Creates or replaces a shard’s directory entry. */
        put: operations["shards.put"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/signing-keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists the keys that access tokens are signed with, the newest first; none where they are not rotated. */
        get: operations["signingKeys.list"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/signing-keys/rotate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Signs with the next key from now on; tokens of the key before are taken until they end. */
        post: operations["signingKeys.rotate"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/stuck": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists what does not get on by itself, each with what to do. */
        get: operations["stuck.list"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/tenants": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists the tenants that the caller may read, in the order of their ids. */
        get: operations["tenants.list"];
        put?: never;
        /** Registers a tenant; the shards it is not given are chosen. */
        post: operations["tenants.create"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/tenants/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tells where a tenant is. */
        get: operations["tenants.get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/tenants/{id}/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists the trail of a tenant, the newest first. */
        get: operations["tenants.listAudit"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/tenants/{id}/jobs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists a tenant’s jobs, the newest first. */
        get: operations["tenants.listJobs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/users": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists users in the order of their ids. */
        get: operations["users.list"];
        put?: never;
        /** Makes a user. */
        post: operations["users.create"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/users/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tells a user. */
        get: operations["users.get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /** Changes a user’s roles, or disables them. */
        patch: operations["users.change"];
        trace?: never;
    };
    "/admin/v1/users/{id}/totp/reset": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Takes a user’s second factor away. */
        post: operations["users.resetTotp"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/webhooks": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists webhooks, the newest first. */
        get: operations["webhooks.list"];
        put?: never;
        /** Makes a webhook that is told of what happens from now on; no other answer ever holds its secret. */
        post: operations["webhooks.create"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/webhooks/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tells a webhook. */
        get: operations["webhooks.get"];
        put?: never;
        post?: never;
        /** Deletes a webhook, with its deliveries. */
        delete: operations["webhooks.delete"];
        options?: never;
        head?: never;
        /** Changes a webhook, or enables or disables it. */
        patch: operations["webhooks.change"];
        trace?: never;
    };
    "/admin/v1/webhooks/{id}/deliveries": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists a webhook’s deliveries, the newest first. */
        get: operations["webhookDeliveries.list"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/webhooks/{id}/deliveries/{delivery}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tells a delivery. */
        get: operations["webhookDeliveries.get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/webhooks/{id}/deliveries/{delivery}/replay": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Makes a delivery again. */
        post: operations["webhookDeliveries.replay"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/webhooks/{id}/replay": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Delivers the events of a range of the log again. */
        post: operations["webhookDeliveries.replayRange"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/webhooks/{id}/rotate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Answers a new secret for a webhook; messages are signed with the one before too, for a while. */
        post: operations["webhooks.rotate"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/v1/webhooks/{id}/test": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Sends a message that says that it is a test. */
        post: operations["webhooks.test"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/health": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tells that the process runs and answers. */
        get: operations["probes.health"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Answers figures for Prometheus. */
        get: operations["probes.metrics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/openapi.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Answers this document. */
        get: operations["apiDocument.get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/platform/v1/changes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tells what happened behind a cursor: a page, or all that comes as server-sent events. */
        get: operations["changes.get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/platform/v1/cluster/health": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tells how the whole platform is, and why. */
        get: operations["cluster.health"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/platform/v1/cluster/stats": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tells what is measured of each kind of managed service, and of the services of the control plane. */
        get: operations["cluster.stats"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/platform/v1/orgs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists the orgs that the caller may read, in the order of their names. */
        get: operations["orgs.list"];
        put?: never;
        /** Makes an org, which has no projects yet. */
        post: operations["orgs.create"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/platform/v1/orgs/{org}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tells an org. */
        get: operations["orgs.get"];
        put?: never;
        post?: never;
        /** Deletes an org without projects, with the roles that are held on it. */
        delete: operations["orgs.delete"];
        options?: never;
        head?: never;
        /** Changes what people call an org; its name stays. */
        patch: operations["orgs.change"];
        trace?: never;
    };
    "/platform/v1/orgs/{org}/projects": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists the projects of an org that the caller may read, in the order of their names. */
        get: operations["projects.list"];
        put?: never;
        /** Makes a project in an org; it takes the permission on the whole org. */
        post: operations["projects.create"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/platform/v1/orgs/{org}/projects/{project}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tells a project. */
        get: operations["projects.get"];
        put?: never;
        post?: never;
        /** Deletes a project, with its keys and the roles that are held on it. */
        delete: operations["projects.delete"];
        options?: never;
        head?: never;
        /** Changes what people call a project; its name stays. */
        patch: operations["projects.change"];
        trace?: never;
    };
    "/platform/v1/orgs/{org}/projects/{project}/keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists the keys of a project, the newest first, also those that have ended. */
        get: operations["projectKeys.list"];
        put?: never;
        /** Makes a key of a project; no other answer ever holds it. */
        post: operations["projectKeys.create"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/platform/v1/orgs/{org}/projects/{project}/keys/{key}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Ends a key of a project, at once. */
        delete: operations["projectKeys.revoke"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/platform/v1/orgs/{org}/projects/{project}/keys/{key}/rotate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Answers a new secret for a key of a project; the one before works on for a while. */
        post: operations["projectKeys.rotate"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/ready": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tells whether the service can do its work. */
        get: operations["probes.ready"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        Access: {
            access_token: string;
            token_type: string;
            expires_in: number;
        };
        Aggregate: {
            aggregate_type: string;
            aggregate_id: string;
            version: number;
            first_position: number;
            /** Format: date-time */
            first_time: string;
            last_position: number;
            /** Format: date-time */
            last_time: string;
            event_counts: {
                [key: string]: number;
            };
            last_type: string;
            last_principal: string;
            tenant_id: string | null;
        };
        ApiToken: {
            token_id: string;
            user_id: string;
            name: string;
            roles: string[];
            permissions: {
                [key: string]: string[];
            } | null;
            scope: {
                tenants?: string[];
                nodes?: string[];
            } | null;
            /** Format: date-time */
            created_at: string;
            /** Format: date-time */
            expires_at: string;
            last_used_at: string | null;
            revoked_at: string | null;
            rotated_at: string | null;
            previous_until: string | null;
        };
        AppliedPlacement: {
            shard_id: string;
            endpoint_id: string;
            alive: boolean;
            epoch: number;
            revision: number;
            problem: string | null;
        };
        AuditRecord: {
            position: number;
            /** Format: date-time */
            time: string;
            action: string;
            outcome: string;
            principal: string;
            via: string | null;
            tenant_id: string | null;
            resource_type: string;
            resource_id: string;
            reason: string | null;
            source_address: string | null;
            request_id: string | null;
            correlation_id: string | null;
            trace_id: string | null;
            job_id: string | null;
            step: string | null;
            details: {
                [key: string]: unknown;
            };
        };
        Chain: {
            head: number;
            incarnation: string;
            position: number;
            hash: string;
            lag: number;
            lag_seconds: number;
            anchor: components["schemas"]["ChainAnchor"] | null;
            unanchored: number;
            kept: string[];
            stopped: string | null;
        };
        ChainAnchor: {
            position: number;
            /** Format: date-time */
            time: string;
            incarnation: string;
            kid: string;
        };
        ChainVerified: {
            position: number;
            head: number;
            next: string | null;
            broken: {
                position: number | null;
                kind: string;
                message: string;
                advice: string;
            } | null;
            anchor: components["schemas"]["ChainAnchor"] | null;
            unanchored: number;
            unanchored_since: string | null;
            source: string;
            restored: {
                incarnation: string;
                after: number;
                lost_until: number;
                lost_time: string | null;
            }[];
            sealed_until: number;
            segments: number;
        };
        Change: {
            cursor: string;
            position: number;
            aggregate_type: string;
            aggregate_id: string;
            version: number;
            type: string;
            schema_version: number;
            /** Format: date-time */
            recorded_at: string;
            tenant_id: string | null;
            node_id: string | null;
            payload: {
                [key: string]: unknown;
            };
            meta: {
                [key: string]: unknown;
            };
        };
        ChangedDefinition: {
            name: string;
            /** @enum {string} */
            kind: "effect" | "saga";
            version: number;
            sha256: string;
            description: string;
            /** Format: date-time */
            created_at: string;
            created_by: string;
            reason: string;
            retired_at: string | null;
            retired_by: string | null;
            retired_reason: string | null;
            changed: boolean;
        };
        ClusterHealth: {
            /** @enum {string} */
            state: "healthy" | "degraded" | "unhealthy";
            /** Format: date-time */
            at: string;
            reasons: components["schemas"]["ClusterHealthReason"][];
            /** @description How many reasons there are beyond those that are told. */
            more_reasons: number;
            /** @description Of all that are registered; while placement can not be asked, of those that have endpoints. */
            shards: {
                total: number;
                without_ready_endpoint: number;
            };
            endpoints: {
                total: number;
                ready: number;
                unsteady: number;
                taken_at: string | null;
                /** @description How old that is, in milliseconds; null when nobody knows, as of a time that was told by a clock that is ahead. */
                age_ms: number | null;
            };
            /** @description Of the services that CONTROL_PLANE_URLS names. */
            services: {
                /** @enum {string} */
                service: "placement" | "provisioner" | "fleet-observer" | "audit" | "job-orchestrator" | "api-gateway";
                /** @enum {string} */
                status: "ready" | "degraded" | "unavailable" | "unreachable";
                problem: string | null;
                /** Format: date-time */
                at: string;
                /** @description How old that is, in milliseconds; null when nobody knows, as of a time that was told by a clock that is ahead. */
                age_ms: number | null;
            }[];
        };
        ClusterHealthReason: {
            /** @enum {string} */
            code: "shard_without_ready_endpoint" | "endpoint_not_ready" | "endpoint_flapping" | "endpoint_crash_looping" | "service_not_ready" | "service_degraded" | "fleet_not_observed" | "fleet_observation_old";
            /** @enum {string} */
            severity: "critical" | "warning";
            /** @description A shard as <kind>/<shard>, an endpoint as <kind>.<shard>.<endpoint>, or a service. */
            subject: string;
            detail: string;
            at: string | null;
            /** @description How old that is, in milliseconds; null when nobody knows, as of a time that was told by a clock that is ahead. */
            age_ms: number | null;
        };
        ClusterPillar: {
            /** @enum {string} */
            pillar: "cpu" | "memory" | "request_rate" | "error_rate" | "latency_p99";
            /** @description null when nothing was measured, or when that could not be asked. */
            value: number | null;
            unit: string;
            /** @description PromQL; with the time `at` it answers the value. */
            query: string;
            /** Format: date-time */
            at: string;
        };
        ClusterStats: {
            /** Format: date-time */
            at: string;
            source: {
                available: boolean;
                url: string | null;
                problem: string | null;
            };
            kinds: {
                /** @enum {string} */
                kind: "gateway" | "aggregate" | "projection" | "runner";
                pillars: components["schemas"]["ClusterPillar"][];
            }[];
            services: {
                /** @enum {string} */
                service: "placement" | "provisioner" | "fleet-observer" | "audit" | "job-orchestrator" | "api-gateway";
                pillars: components["schemas"]["ClusterPillar"][];
            }[];
        };
        ConfigChange: {
            /** @enum {string} */
            op: "added" | "removed" | "changed";
            pointer: string;
            before?: unknown;
            after?: unknown;
        };
        ConfigDiff: {
            from: number;
            to: number;
            changes: components["schemas"]["ConfigChange"][];
        };
        ConfigDocument: {
            /** @enum {string} */
            domain: "routing" | "placement" | "feature-flags" | "runner-activation";
            name: string;
            scope: string;
            revision: number;
            sha256: string;
            /** @enum {string} */
            source: "default" | "dev_file" | "api";
            /** @enum {string} */
            state: "effective" | "staged" | "superseded" | "withdrawn";
            updated_at: string | null;
            updated_by: string | null;
            reason: string | null;
            content: {
                [key: string]: unknown;
            };
            candidate_revision: number | null;
        };
        ConfigRevision: {
            /** @enum {string} */
            domain: "routing" | "placement" | "feature-flags" | "runner-activation";
            name: string;
            scope: string;
            revision: number;
            sha256: string;
            /** @enum {string} */
            source: "default" | "dev_file" | "api";
            /** @enum {string} */
            state: "effective" | "staged" | "superseded" | "withdrawn";
            updated_at: string | null;
            updated_by: string | null;
            reason: string | null;
        };
        ConfigRevisionWithContent: {
            /** @enum {string} */
            domain: "routing" | "placement" | "feature-flags" | "runner-activation";
            name: string;
            scope: string;
            revision: number;
            sha256: string;
            /** @enum {string} */
            source: "default" | "dev_file" | "api";
            /** @enum {string} */
            state: "effective" | "staged" | "superseded" | "withdrawn";
            updated_at: string | null;
            updated_by: string | null;
            reason: string | null;
            content: {
                [key: string]: unknown;
            };
        };
        ConfigVerdict: {
            valid: boolean;
            code: ("config_decode" | "config_invalid" | "config_source") | null;
            errors: {
                pointer: string;
                detail: string;
            }[];
            sha256: string | null;
        };
        DataColumn: {
            name: string;
            type: string;
            nullable: boolean;
            masked: boolean;
        };
        DataTable: {
            schema: string;
            table: string;
            estimated_rows: number;
            key: string[];
            columns: components["schemas"]["DataColumn"][];
            readable: boolean;
        };
        DeadLetter: {
            sequence: number;
            dead_letter_id: string;
            consumer: string | null;
            original: {
                stream: string;
                subject: string;
                sequence: number;
            };
            deliveries: number;
            replays: number;
            error: string;
            failed_at: string;
            payload: {
                [key: string]: unknown;
            };
        };
        DefinitionActivation: {
            document: string;
            tenant_id: string | null;
            version: number | null;
            staged: boolean;
        };
        DefinitionDiff: {
            from: number;
            to: number;
            changes: components["schemas"]["ConfigChange"][];
        };
        DefinitionVerdict: {
            valid: boolean;
            code: ("config_decode" | "config_invalid") | null;
            errors: {
                pointer: string;
                detail: string;
            }[];
            sha256: string | null;
            name: string | null;
            version: number | null;
        };
        DefinitionVersion: {
            name: string;
            /** @enum {string} */
            kind: "effect" | "saga";
            version: number;
            sha256: string;
            description: string;
            /** Format: date-time */
            created_at: string;
            created_by: string;
            reason: string;
            retired_at: string | null;
            retired_by: string | null;
            retired_reason: string | null;
        };
        DefinitionVersionWithContent: {
            name: string;
            /** @enum {string} */
            kind: "effect" | "saga";
            version: number;
            sha256: string;
            description: string;
            /** Format: date-time */
            created_at: string;
            created_by: string;
            reason: string;
            retired_at: string | null;
            retired_by: string | null;
            retired_reason: string | null;
            content: {
                [key: string]: unknown;
            };
        };
        EndpointHappening: {
            sequence: number;
            /** Format: date-time */
            at: string;
            /** @enum {string} */
            what: "registered" | "removed" | "state" | "version" | "restarted" | "condition";
            from: string | null;
            to: string | null;
            problem: string | null;
        };
        EndpointHealth: {
            /** @enum {string} */
            kind: "gateway" | "aggregate" | "projection" | "runner";
            shard_id: string;
            endpoint_id: string;
            url: string;
            reachable: boolean;
            healthy: boolean;
            ready: boolean;
            version: string | null;
            git_sha: string | null;
            inflight: number;
            lag: number;
            taken_at: string | null;
            problem: string | null;
            latency_ms: number;
            /** @description When its metrics were last read: how old version, git_sha, inflight, lag and started_at are. */
            metrics_taken_at: string | null;
            /** @description When its process began, as its metrics say. */
            started_at: string | null;
            /** @enum {string} */
            condition: "steady" | "flapping" | "crash_looping";
        };
        EnrolledSecondFactor: {
            secret: string;
            otpauth_uri: string;
        };
        Explanation: {
            principal: string;
            permission: string;
            scope: string;
            allowed: boolean;
            disabled: boolean;
            by: {
                binding_id: string;
                role: string;
                scope: string;
            }[];
            would: {
                roles: string[];
                scopes: string[];
            } | null;
        };
        Finding: {
            what: string;
            subject: string;
            severity: string;
            since: string | null;
            message: string;
            advice: string;
        };
        FleetSnapshot: {
            taken_at: string | null;
            unreachable: number;
            endpoints: components["schemas"]["EndpointHealth"][];
        };
        Job: {
            job_id: string;
            kind: string;
            /** @enum {string} */
            status: "queued" | "running" | "waiting" | "compensating" | "succeeded" | "failed" | "cancelled" | "needs_attention";
            params: {
                [key: string]: unknown;
            };
            plan_id: string;
            plan_digest: string;
            reason: string;
            principal: string;
            locks: string[];
            steps: components["schemas"]["Step"][];
            error: components["schemas"]["JobError"] | null;
            /** Format: date-time */
            created_at: string;
            started_at: string | null;
            finished_at: string | null;
            deadline: string | null;
            cancel_requested: boolean;
            blocked_by: string | null;
            parent_id: string | null;
            note: string | null;
            waits_for: string | null;
            wake_at: string | null;
            pause_requested: boolean;
            paused_at: string | null;
            paused_by: string | null;
            overdue_at: string | null;
            owner: string | null;
            fence: number;
            request_id: string | null;
            correlation_id: string | null;
            trace_id: string | null;
            plan: {
                request_id: string | null;
                correlation_id: string | null;
                trace_id: string | null;
            };
        };
        JobError: {
            code: string;
            message: string;
            step: string | null;
            attempt: number;
        };
        Jwks: {
            keys: {
                kty?: string;
                crv?: string;
                x?: string;
                kid: string;
                alg?: string;
                use?: string;
            }[];
        };
        Lock: {
            resource: string;
            job_id: string;
            kind: string;
            principal: string;
            /** Format: date-time */
            asked_at: string;
            held_since: string | null;
            waiting: number;
            waiters: {
                job_id: string;
                kind: string;
                principal: string;
                /** Format: date-time */
                asked_at: string;
            }[];
        };
        LogEvent: {
            position: number;
            /** Format: date-time */
            recorded_at: string;
            aggregate_type: string;
            aggregate_id: string;
            version: number;
            type: string;
            schema_version: number;
            payload: unknown;
            meta: unknown;
        };
        LogEventBetween: {
            position: number;
            /** Format: date-time */
            recorded_at: string;
            aggregate_type: string;
            aggregate_id: string;
            version: number;
            type: string;
            schema_version: number;
            payload: unknown;
            meta: unknown;
            previous_position: number | null;
            next_position: number | null;
        };
        LogStats: {
            head: number;
            incarnation: string;
            recorded_at: string | null;
            incarnations: {
                incarnation: string;
                began_after: number;
                /** Format: date-time */
                began_at: string;
            }[];
            rates: {
                window: string;
                events: number;
                per_second: number;
            }[];
            types: {
                aggregate_type: string;
                events: number;
            }[];
            types_estimated: boolean;
            partitions: {
                name: string;
                from_position: number;
                until_position: number;
                sealed: boolean;
                bytes: number;
                tablespace: string;
            }[];
            stream: {
                name: string;
                incarnation: string | null;
                first_position: number;
                last_position: number;
                messages: number;
                bytes: number;
                lag: number;
            } | null;
            projections: {
                name: string;
                position: number;
                lag: number;
                state: string;
            }[];
            tables: {
                name: string;
                rows_estimate: number;
                bytes: number;
            }[];
        };
        LogVerified: {
            from: number;
            to: number;
            head: number;
            next: number | null;
            findings: {
                position: number | null;
                kind: string;
                message: string;
                advice: string;
            }[];
            stream_compared: number;
            stream_problem: string | null;
        };
        Me: {
            user_id: string;
            principal: string;
            via: string | null;
            email: string;
            totp: boolean;
            roles: string[];
            permissions: string[];
        };
        NewApiToken: {
            token_id: string;
            user_id: string;
            name: string;
            roles: string[];
            permissions: {
                [key: string]: string[];
            } | null;
            scope: {
                tenants?: string[];
                nodes?: string[];
            } | null;
            /** Format: date-time */
            created_at: string;
            /** Format: date-time */
            expires_at: string;
            last_used_at: string | null;
            revoked_at: string | null;
            rotated_at: string | null;
            previous_until: string | null;
            token: string;
        };
        NewProjectKey: {
            key_id: string;
            name: string;
            role: string;
            permissions: string[] | null;
            /** Format: date-time */
            created_at: string;
            /** Format: date-time */
            expires_at: string;
            last_used_at: string | null;
            revoked_at: string | null;
            rotated_at: string | null;
            previous_until: string | null;
            key: string;
        };
        NewWebhook: {
            webhook_id: string;
            name: string;
            url: string;
            types: string[];
            user_id: string;
            enabled: boolean;
            disabled_cause: string | null;
            position: number;
            failing_since: string | null;
            previous_until: string | null;
            revision: number;
            /** Format: date-time */
            created_at: string;
            /** Format: date-time */
            updated_at: string;
            secret: string;
        };
        Org: {
            org_id: string;
            name: string;
            display_name: string;
            scope: string;
            revision: number;
            /** Format: date-time */
            created_at: string;
            /** Format: date-time */
            updated_at: string;
        };
        Placement: {
            revision: number;
            epoch: number;
            published_revision: number;
            aggregate_placement: {
                [key: string]: {
                    shard: string;
                };
            };
            projection_placement: {
                [key: string]: {
                    shard: string;
                };
            };
            runner_placement: {
                [key: string]: {
                    shard: string;
                };
            };
            shards: {
                [key: string]: {
                    [key: string]: components["schemas"]["ShardEntry"];
                };
            };
        };
        PlacementExplanation: {
            tenant_id: string;
            /** @enum {string} */
            kind: "aggregate" | "projection" | "runner";
            revision: number;
            shard: string;
            because: string;
            /** Format: date-time */
            since: string;
            reason: string | null;
            moves: {
                from: string;
                to: string;
                /** Format: date-time */
                moved_at: string;
                reason: string;
            }[];
            shard_ratio: number | null;
            load: number;
            pinned: boolean;
        };
        Plan: {
            plan_id: string;
            kind: string;
            digest: string;
            params: {
                [key: string]: unknown;
            };
            actions: {
                name: string;
                description: string;
                kind: string | null;
                from_shard_id: string | null;
                to_shard_id: string | null;
            }[];
            checks: {
                name: string;
                /** @enum {string} */
                verdict: "pass" | "warn" | "block";
                value: string;
                limit: string;
                message: string;
            }[];
            impact: {
                tenants: string[];
                services: string[];
                expected_pause_ms: number;
                every_tenant: boolean;
            };
            changes: components["schemas"]["ConfigChange"][];
            inputs: {
                resource: string;
                revision: number;
            }[];
            reason: string;
            created_by: string;
            /** Format: date-time */
            created_at: string;
            /** Format: date-time */
            expires_at: string;
            request_id: string | null;
            correlation_id: string | null;
            trace_id: string | null;
            canonical: string;
            needs_approval: boolean;
            approval: {
                approved_by: string;
                /** Format: date-time */
                approved_at: string;
                reason: string;
            } | null;
        };
        /** @description RFC 9457, with a stable code and the id to ask about. */
        Problem: {
            type: string;
            title: string;
            status: number;
            detail: string;
            /** @enum {string} */
            code: "invalid_argument" | "unknown_event" | "config_decode" | "config_invalid" | "idempotency_key_required" | "unauthenticated" | "login_failed" | "second_factor_required" | "session_expired" | "sign_in_failed" | "permission_denied" | "cross_site_request" | "no_role" | "sign_in_elsewhere" | "second_person_required" | "not_found" | "tenant_not_found" | "shard_not_found" | "endpoint_not_found" | "config_not_found" | "definition_not_found" | "job_not_found" | "plan_not_found" | "schedule_not_found" | "role_binding_not_found" | "role_not_found" | "service_account_not_found" | "org_not_found" | "project_not_found" | "project_key_not_found" | "dead_letter_not_found" | "projection_not_found" | "aggregate_not_found" | "webhook_not_found" | "delivery_not_found" | "already_exists" | "version_conflict" | "idempotency_key_reused" | "too_many_grants" | "shard_in_use" | "role_in_use" | "role_built_in" | "org_in_use" | "definition_in_use" | "too_many_keys" | "lock_held" | "plan_blocked" | "job_cancelled" | "job_finished" | "cancel_too_late" | "job_superseded" | "job_outdated" | "signal_already_sent" | "children_failed" | "tenant_state" | "routes_differ" | "stale_fence" | "tenant_moved" | "dead_letter_settled" | "consumer_gone" | "projection_state" | "plan_stale" | "plan_expired" | "approval_required" | "revision_mismatch" | "if_match_required" | "cursor_superseded" | "too_large" | "rate_limited" | "internal" | "unavailable" | "iam_refused" | "iam_failed" | "iam_unreachable" | "iam_answer_invalid" | "audit_unavailable" | "config_source" | "overloaded" | "projection_lagging" | "log_behind" | "service_unreachable" | "iam_timeout" | "step_timeout" | "deadline_exceeded" | "unsupported_media_type";
            request_id: string;
            errors?: {
                pointer: string;
                detail: string;
            }[];
            details?: {
                [key: string]: unknown;
            };
        };
        Project: {
            project_id: string;
            principal: string;
            org: string;
            name: string;
            display_name: string;
            scope: string;
            revision: number;
            /** Format: date-time */
            created_at: string;
            /** Format: date-time */
            updated_at: string;
        };
        ProjectKey: {
            key_id: string;
            name: string;
            role: string;
            permissions: string[] | null;
            /** Format: date-time */
            created_at: string;
            /** Format: date-time */
            expires_at: string;
            last_used_at: string | null;
            revoked_at: string | null;
            rotated_at: string | null;
            previous_until: string | null;
        };
        Projection: {
            name: string;
            owner: string;
            state: string;
            paused: boolean;
            rebuild_requested: boolean;
            position: number;
            lag: number;
            lag_seconds: number;
            updated_at: string;
            epochs: {
                epoch: number;
                serving: boolean;
                version: number;
                position: number;
                parts: number;
                stopped: {
                    position: number;
                    reason: string;
                    part: number;
                    since: string | null;
                } | null;
                rebuild: {
                    from: number;
                    head: number;
                    events_per_second: number | null;
                    started_at: string;
                } | null;
            }[];
        };
        ProjectionAtHead: {
            name: string;
            owner: string;
            state: string;
            paused: boolean;
            rebuild_requested: boolean;
            position: number;
            lag: number;
            lag_seconds: number;
            updated_at: string;
            epochs: {
                epoch: number;
                serving: boolean;
                version: number;
                position: number;
                parts: number;
                stopped: {
                    position: number;
                    reason: string;
                    part: number;
                    since: string | null;
                } | null;
                rebuild: {
                    from: number;
                    head: number;
                    events_per_second: number | null;
                    started_at: string;
                } | null;
            }[];
            head: number;
        };
        PutDefinition: {
            name: string;
            /** @enum {string} */
            kind: "effect" | "saga";
            version: number;
            sha256: string;
            description: string;
            /** Format: date-time */
            created_at: string;
            created_by: string;
            reason: string;
            retired_at: string | null;
            retired_by: string | null;
            retired_reason: string | null;
            added: boolean;
        };
        RebalancePreview: {
            /** @enum {string} */
            kind: "aggregate" | "projection" | "runner";
            revision: number;
            epoch: number;
            ratio_before: number;
            ratio_after: number;
            moves: {
                tenant_id: string;
                from: string;
                to: string;
                load: number;
                why: string;
            }[];
            shards: {
                shard_id: string;
                tenants_before: number;
                tenants_after: number;
                load_before: number;
                load_after: number;
                ratio_before: number | null;
                ratio_after: number | null;
                left_over: {
                    reason: string;
                    message: string;
                } | null;
            }[];
            config_revision: number;
            tolerance: number;
        };
        RecoveryCodes: {
            recovery_codes: string[];
        };
        Replica: {
            replica_id: string;
            host: string;
            pid: number;
            kinds: string[];
            /** Format: date-time */
            started_at: string;
            /** Format: date-time */
            heartbeat_at: string;
            lease_until: string | null;
            alive: boolean;
            running: number;
        };
        Role: {
            name: string;
            built_in: boolean;
            description: string;
            permissions: string[];
            revision: number | null;
            created_at: string | null;
            updated_at: string | null;
        };
        RoleBinding: {
            binding_id: string;
            principal: string;
            role: string;
            scope: string;
            created_by: string;
            /** Format: date-time */
            created_at: string;
        };
        Schedule: {
            schedule_id: string;
            name: string;
            kind: string;
            params: {
                [key: string]: unknown;
            };
            cron: string;
            time_zone: string;
            missed: string;
            principal: string;
            reason: string;
            /** Format: date-time */
            created_at: string;
            next_at: string | null;
            paused_at: string | null;
            last_at: string | null;
            last_job_id: string | null;
            last_error: components["schemas"]["JobError"] | null;
        };
        ServiceAccount: {
            service_account_id: string;
            principal: string;
            name: string;
            disabled: boolean;
            revision: number;
            /** Format: date-time */
            created_at: string;
            /** Format: date-time */
            updated_at: string;
        };
        Session: {
            session_id: string;
            /** Format: date-time */
            created_at: string;
            /** Format: date-time */
            last_used_at: string;
            /** Format: date-time */
            expires_at: string;
            address: string;
            user_agent: string;
            current: boolean;
        };
        Shard: {
            /** @enum {string} */
            kind: "gateway" | "aggregate" | "projection" | "runner";
            shard_id: string;
            endpoints: {
                endpoint_id: string;
                url: string;
            }[];
            weight: number;
            labels: {
                [key: string]: string;
            };
            state: string;
            max_load: number | null;
            revision: number;
            tenants: number;
        };
        ShardEntry: {
            endpoints: {
                endpoint_id: string;
                url: string;
            }[];
            weight: number;
            labels: {
                [key: string]: string;
            };
            state: string;
            max_load: number | null;
            revision: number;
            tenants: number;
        };
        SignInIssuer: {
            id: string;
            name: string;
        };
        SigningKey: {
            kid: string;
            /** @enum {string} */
            state: "next" | "current" | "previous";
            /** Format: date-time */
            published_at: string;
            signs_from: string | null;
            trusted_until: string | null;
        };
        StartedJob: {
            job_id: string;
        };
        StartedSignIn: {
            authorization_url: string;
        };
        Step: {
            name: string;
            /** @enum {string} */
            status: "pending" | "running" | "waiting" | "succeeded" | "failed" | "undoing" | "undone" | "skipped";
            attempts: number;
            undo_attempts: number;
            started_at: string | null;
            finished_at: string | null;
            error: components["schemas"]["JobError"] | null;
            output: {
                [key: string]: unknown;
            } | null;
        };
        Tenant: {
            tenant_id: string;
            name: string;
            /** Format: date-time */
            created_at: string;
            placement: {
                [key: string]: {
                    shard: string;
                    revision: number;
                };
            };
        };
        TenantBalance: {
            tenant_id: string;
            load: number;
            pinned: string[];
            anti_affinity: string | null;
            revision: number;
        };
        TrailSealing: {
            enabled: boolean;
            sealed_until: number;
            dropped_until: number;
            segments: number;
            bytes: number;
            retention_days: number | null;
            segment_events: number | null;
            asked_before: string | null;
            stopped: string | null;
            stopped_since: string | null;
        };
        TrailSegment: {
            from: number;
            to: number;
            first_time: string | null;
            last_time: string | null;
            manifest: string;
            file: string;
            bytes: number;
            sha256: string;
            hash: string;
            /** Format: date-time */
            sealed_at: string;
        };
        User: {
            user_id: string;
            email: string;
            roles: string[];
            disabled: boolean;
            revision: number;
            totp: boolean;
            /** Format: date-time */
            created_at: string;
            /** Format: date-time */
            updated_at: string;
        };
        Webhook: {
            webhook_id: string;
            name: string;
            url: string;
            types: string[];
            user_id: string;
            enabled: boolean;
            disabled_cause: string | null;
            position: number;
            failing_since: string | null;
            previous_until: string | null;
            revision: number;
            /** Format: date-time */
            created_at: string;
            /** Format: date-time */
            updated_at: string;
        };
        WebhookDelivery: {
            delivery_id: string;
            webhook_id: string;
            message_id: string;
            event_type: string;
            position: number | null;
            status: string;
            attempts: number;
            next_at: string | null;
            /** Format: date-time */
            created_at: string;
            last_attempt_at: string | null;
            status_code: number | null;
            error: string | null;
            duration_ms: number | null;
        };
        WebhookReplay: {
            queued: number;
            next: number | null;
        };
        WebhookTest: {
            delivery_id: string;
        };
        WhatIf: {
            /** @enum {string} */
            kind: "aggregate" | "projection" | "runner";
            revision: number;
            epoch: number;
            ratio_before: number;
            ratio_after: number;
            moves: {
                tenant_id: string;
                from: string;
                to: string;
                load: number;
                why: string;
            }[];
            shards: {
                shard_id: string;
                tenants_before: number;
                tenants_after: number;
                load_before: number;
                load_after: number;
                ratio_before: number | null;
                ratio_after: number | null;
                left_over: {
                    reason: string;
                    message: string;
                } | null;
            }[];
            stranded: string[];
        };
        Whoami: {
            principal: string;
            name: string;
            via: string | null;
            session_id: string | null;
            bindings: {
                binding_id: string;
                role: string;
                scope: string;
            }[];
            permissions: {
                scope: string;
                permissions: string[];
            }[];
        };
    };
    responses: {
        /** @description What went wrong. */
        Problem: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
    };
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    "jwks.keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Jwks"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "apiTokens.list": {
        parameters: {
            query?: {
                limit?: number;
                cursor?: string;
                user_id?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["ApiToken"][];
                        next_cursor: string | null;
                    };
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "apiTokens.create": {
        parameters: {
            query?: never;
            header: {
                /** @description Repeats with the same key do it once. */
                "Idempotency-Key": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    name: string;
                    roles: string[];
                    scope?: {
                        tenants?: string[];
                        nodes?: string[];
                    };
                    /** @default 90 */
                    expires_in_days?: number;
                };
            };
        };
        responses: {
            /** @description Done. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NewApiToken"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "apiTokens.revoke": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "apiTokens.rotate": {
        parameters: {
            query?: never;
            header: {
                /** @description Repeats with the same key do it once. */
                "Idempotency-Key": string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    /** @default 24 */
                    overlap_hours?: number;
                };
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NewApiToken"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "audit.list": {
        parameters: {
            query?: {
                limit?: number;
                cursor?: string;
                from?: string;
                to?: string;
                principal?: string;
                tenant?: string;
                action?: string;
                request_id?: string;
                correlation_id?: string;
                trace_id?: string;
                job_id?: string;
                resource?: string;
                wait_for?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["AuditRecord"][];
                        next_cursor: string | null;
                        position: number;
                        sealed_until: number;
                    };
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "auditChain.get": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Chain"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "auditExport.get": {
        parameters: {
            query?: {
                from?: number;
                to?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/x-ndjson": string;
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "auditSegments.list": {
        parameters: {
            query?: {
                limit?: number;
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["TrailSegment"][];
                        next_cursor: string | null;
                        sealing: components["schemas"]["TrailSealing"];
                    };
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "auditSegments.seal": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** Format: date-time */
                    before?: string;
                    reason: string;
                };
            };
        };
        responses: {
            /** @description Accepted: it goes on by itself. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TrailSealing"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "auditVerify.verify": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    cursor?: string;
                };
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChainVerified"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "access.explain": {
        parameters: {
            query: {
                principal: string;
                permission: "audit.export" | "audit.read" | "audit.seal" | "change.read" | "config.change" | "config.feature-flags" | "config.placement" | "config.read" | "config.routing" | "config.runner-activation" | "config.write" | "data.browse" | "deadletter.manage" | "deadletter.read" | "definition.read" | "definition.write" | "fleet.read" | "fleet.reload" | "identity.manage" | "job.read" | "job.cancel" | "job.pause" | "job.retry" | "job.signal" | "log.read" | "org.manage" | "org.read" | "plan.approve" | "plan.create" | "placement.read" | "placement.write" | "placement.move" | "project.manage" | "project.read" | "projection.manage" | "projection.read" | "schedule.manage" | "schedule.read" | "self" | "service.command" | "tenant.read" | "tenant.write" | "tenant.migrate" | "tenant.drain" | "tenant.resume" | "webhook.manage" | "webhook.read";
                scope?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Explanation"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "auth.login": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** Format: email */
                    email: string;
                    password: string;
                    code?: string;
                };
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Access"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "auth.logout": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "auth.me": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Me"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "oidc.list": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["SignInIssuer"][];
                        next_cursor: null;
                    };
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "oidc.callback": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                issuer: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    code?: string;
                    state?: string;
                    iss?: string;
                    error?: string;
                };
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Access"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "oidc.start": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                issuer: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StartedSignIn"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "auth.password": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    current_password: string;
                    new_password: string;
                };
            };
        };
        responses: {
            /** @description Done. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "auth.refresh": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Access"];
                };
            };
            /** @description There is nothing to tell. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "sessions.list": {
        parameters: {
            query?: {
                limit?: number;
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["Session"][];
                        next_cursor: string | null;
                    };
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "sessions.revoke": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "totp.enrol": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    current_password: string;
                };
            };
        };
        responses: {
            /** @description Done. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EnrolledSecondFactor"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "totp.confirm": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    code: string;
                };
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RecoveryCodes"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "totp.disable": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    current_password: string;
                    code: string;
                };
            };
        };
        responses: {
            /** @description Done. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "totp.recoveryCodes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    current_password: string;
                    code: string;
                };
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RecoveryCodes"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "access.whoami": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Whoami"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "config.list": {
        parameters: {
            query?: {
                limit?: number;
                cursor?: string;
                domain?: "routing" | "placement" | "feature-flags" | "runner-activation";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["ConfigRevision"][];
                        next_cursor: string | null;
                    };
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "config.get": {
        parameters: {
            query?: {
                name?: string;
                scope?: string;
            };
            header?: never;
            path: {
                domain: "routing" | "placement" | "feature-flags" | "runner-activation";
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConfigDocument"];
                    "application/yaml": components["schemas"]["ConfigDocument"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "config.diff": {
        parameters: {
            query: {
                name?: string;
                scope?: string;
                from: number;
                to: number;
            };
            header?: never;
            path: {
                domain: "routing" | "placement" | "feature-flags" | "runner-activation";
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConfigDiff"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "config.history": {
        parameters: {
            query?: {
                limit?: number;
                cursor?: string;
                name?: string;
                scope?: string;
            };
            header?: never;
            path: {
                domain: "routing" | "placement" | "feature-flags" | "runner-activation";
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["ConfigRevision"][];
                        next_cursor: string | null;
                    };
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "config.revision": {
        parameters: {
            query?: {
                name?: string;
                scope?: string;
            };
            header?: never;
            path: {
                revision: number;
                domain: "routing" | "placement" | "feature-flags" | "runner-activation";
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConfigRevisionWithContent"];
                    "application/yaml": components["schemas"]["ConfigRevisionWithContent"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "data.list": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["DataTable"][];
                        next_cursor: null;
                    };
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "data.read": {
        parameters: {
            query?: {
                columns?: string;
                filter?: string;
                order?: string;
                limit?: number;
                cursor?: string;
            };
            header?: never;
            path: {
                table: string;
                schema: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: {
                            [key: string]: string | null;
                        }[];
                        next_cursor: string | null;
                        columns: components["schemas"]["DataColumn"][];
                    };
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "deadLetters.list": {
        parameters: {
            query?: {
                limit?: number;
                cursor?: string;
                consumer?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["DeadLetter"][];
                        next_cursor: string | null;
                    };
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "deadLetters.get": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                sequence: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeadLetter"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "deadLetters.discard": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                sequence: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    reason: string;
                };
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeadLetter"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "deadLetters.replay": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                sequence: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    reason: string;
                };
            };
        };
        responses: {
            /** @description Accepted: it goes on by itself. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeadLetter"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "definitionContents.get": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                sha256: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DefinitionVersionWithContent"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "definitions.list": {
        parameters: {
            query?: {
                limit?: number;
                cursor?: string;
                kind?: "effect" | "saga";
                name?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["DefinitionVersion"][];
                        next_cursor: string | null;
                    };
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "definitions.put": {
        parameters: {
            query?: never;
            header: {
                /** @description Repeats with the same key do it once. */
                "Idempotency-Key": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /**
                     * @default json
                     * @enum {string}
                     */
                    format?: "json" | "yaml";
                    text: string;
                    reason: string;
                };
            };
        };
        responses: {
            /** @description Done. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PutDefinition"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "definitions.validate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /**
                     * @default json
                     * @enum {string}
                     */
                    format?: "json" | "yaml";
                    text: string;
                };
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DefinitionVerdict"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "definitions.get": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DefinitionVersionWithContent"];
                    "application/yaml": components["schemas"]["DefinitionVersionWithContent"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "definitions.activations": {
        parameters: {
            query?: {
                limit?: number;
                cursor?: string;
            };
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["DefinitionActivation"][];
                        next_cursor: string | null;
                    };
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "definitions.diff": {
        parameters: {
            query: {
                from: number;
                to: number;
            };
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DefinitionDiff"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "definitions.versions": {
        parameters: {
            query?: {
                limit?: number;
                cursor?: string;
            };
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["DefinitionVersion"][];
                        next_cursor: string | null;
                    };
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "definitions.version": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                version: number;
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DefinitionVersionWithContent"];
                    "application/yaml": components["schemas"]["DefinitionVersionWithContent"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "definitions.restore": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                version: number;
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    reason: string;
                };
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChangedDefinition"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "definitions.retire": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                version: number;
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    reason: string;
                };
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChangedDefinition"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "fleet.appliedPlacement": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        gateways: components["schemas"]["AppliedPlacement"][];
                    };
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "fleetHistory.history": {
        parameters: {
            query?: {
                limit?: number;
                cursor?: string;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["EndpointHappening"][];
                        next_cursor: string | null;
                    };
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "fleetEvents.events": {
        parameters: {
            query?: {
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": string;
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "fleet.snapshot": {
        parameters: {
            query?: {
                max_age_ms?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FleetSnapshot"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "jobs.list": {
        parameters: {
            query?: {
                limit?: number;
                cursor?: string;
                status?: "queued" | "running" | "waiting" | "compensating" | "succeeded" | "failed" | "cancelled" | "needs_attention";
                kind?: string;
                tenant?: string;
                correlation_id?: string;
                parent?: string;
                paused?: "true";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["Job"][];
                        next_cursor: string | null;
                    };
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "jobs.configApply": {
        parameters: {
            query?: never;
            header: {
                /** @description Repeats with the same key do it once. */
                "Idempotency-Key": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    plan_digest: string;
                    reason: string;
                    /**
                     * @default reject
                     * @enum {string}
                     */
                    on_conflict?: "queue" | "reject";
                };
            };
        };
        responses: {
            /** @description Accepted: it goes on by itself. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StartedJob"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "jobs.configRollback": {
        parameters: {
            query?: never;
            header: {
                /** @description Repeats with the same key do it once. */
                "Idempotency-Key": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    plan_digest: string;
                    reason: string;
                    /**
                     * @default reject
                     * @enum {string}
                     */
                    on_conflict?: "queue" | "reject";
                };
            };
        };
        responses: {
            /** @description Accepted: it goes on by itself. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StartedJob"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "configValidate.validate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @enum {string} */
                    domain: "routing" | "placement" | "feature-flags" | "runner-activation";
                    /** @default default */
                    name?: string;
                    /** @default platform */
                    scope?: string;
                    /**
                     * @default json
                     * @enum {string}
                     */
                    format?: "json" | "yaml";
                    text: string;
                };
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConfigVerdict"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "drains.drainNode": {
        parameters: {
            query?: never;
            header: {
                /** @description Repeats with the same key do it once. */
                "Idempotency-Key": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    plan_digest: string;
                    reason: string;
                    /**
                     * @default queue
                     * @enum {string}
                     */
                    on_conflict?: "queue" | "reject";
                };
            };
        };
        responses: {
            /** @description Accepted: it goes on by itself. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StartedJob"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "drains.resumeNode": {
        parameters: {
            query?: never;
            header: {
                /** @description Repeats with the same key do it once. */
                "Idempotency-Key": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    plan_digest: string;
                    reason: string;
                    /**
                     * @default queue
                     * @enum {string}
                     */
                    on_conflict?: "queue" | "reject";
                };
            };
        };
        responses: {
            /** @description Accepted: it goes on by itself. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StartedJob"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "jobs.rebalance": {
        parameters: {
            query?: never;
            header: {
                /** @description Repeats with the same key do it once. */
                "Idempotency-Key": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    plan_digest: string;
                    reason: string;
                    /**
                     * @default queue
                     * @enum {string}
                     */
                    on_conflict?: "queue" | "reject";
                };
            };
        };
        responses: {
            /** @description Accepted: it goes on by itself. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StartedJob"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "jobs.reload": {
        parameters: {
            query?: never;
            header: {
                /** @description Repeats with the same key do it once. */
                "Idempotency-Key": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    plan_digest: string;
                    reason: string;
                    /**
                     * @default queue
                     * @enum {string}
                     */
                    on_conflict?: "queue" | "reject";
                };
            };
        };
        responses: {
            /** @description Accepted: it goes on by itself. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StartedJob"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "jobs.decommission": {
        parameters: {
            query?: never;
            header: {
                /** @description Repeats with the same key do it once. */
                "Idempotency-Key": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    plan_digest: string;
                    reason: string;
                    /**
                     * @default queue
                     * @enum {string}
                     */
                    on_conflict?: "queue" | "reject";
                };
            };
        };
        responses: {
            /** @description Accepted: it goes on by itself. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StartedJob"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "drains.drainShard": {
        parameters: {
            query?: never;
            header: {
                /** @description Repeats with the same key do it once. */
                "Idempotency-Key": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    plan_digest: string;
                    reason: string;
                    /**
                     * @default queue
                     * @enum {string}
                     */
                    on_conflict?: "queue" | "reject";
                };
            };
        };
        responses: {
            /** @description Accepted: it goes on by itself. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StartedJob"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "drains.resumeShard": {
        parameters: {
            query?: never;
            header: {
                /** @description Repeats with the same key do it once. */
                "Idempotency-Key": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    plan_digest: string;
                    reason: string;
                    /**
                     * @default queue
                     * @enum {string}
                     */
                    on_conflict?: "queue" | "reject";
                };
            };
        };
        responses: {
            /** @description Accepted: it goes on by itself. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StartedJob"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "jobs.drain": {
        parameters: {
            query?: never;
            header: {
                /** @description Repeats with the same key do it once. */
                "Idempotency-Key": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    plan_digest: string;
                    reason: string;
                    /**
                     * @default queue
                     * @enum {string}
                     */
                    on_conflict?: "queue" | "reject";
                };
            };
        };
        responses: {
            /** @description Accepted: it goes on by itself. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StartedJob"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "jobs.migrate": {
        parameters: {
            query?: never;
            header: {
                /** @description Repeats with the same key do it once. */
                "Idempotency-Key": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    plan_digest: string;
                    reason: string;
                    /**
                     * @default queue
                     * @enum {string}
                     */
                    on_conflict?: "queue" | "reject";
                };
            };
        };
        responses: {
            /** @description Accepted: it goes on by itself. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StartedJob"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "jobs.resume": {
        parameters: {
            query?: never;
            header: {
                /** @description Repeats with the same key do it once. */
                "Idempotency-Key": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    plan_digest: string;
                    reason: string;
                    /**
                     * @default queue
                     * @enum {string}
                     */
                    on_conflict?: "queue" | "reject";
                };
            };
        };
        responses: {
            /** @description Accepted: it goes on by itself. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StartedJob"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "jobs.migrateMany": {
        parameters: {
            query?: never;
            header: {
                /** @description Repeats with the same key do it once. */
                "Idempotency-Key": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    plan_digest: string;
                    reason: string;
                    /**
                     * @default queue
                     * @enum {string}
                     */
                    on_conflict?: "queue" | "reject";
                };
            };
        };
        responses: {
            /** @description Accepted: it goes on by itself. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StartedJob"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "jobs.get": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "jobs.cancel": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    reason?: string;
                };
            };
        };
        responses: {
            /** @description Accepted: it goes on by itself. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "jobEvents.events": {
        parameters: {
            query?: {
                cursor?: string;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": string;
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "jobs.pause": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    reason: string;
                };
            };
        };
        responses: {
            /** @description Accepted: it goes on by itself. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "jobs.retry": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    reason: string;
                };
            };
        };
        responses: {
            /** @description Accepted: it goes on by itself. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "jobs.signal": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    /** @default {} */
                    payload?: {
                        [key: string]: unknown;
                    };
                };
            };
        };
        responses: {
            /** @description Accepted: it goes on by itself. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "jobs.unpause": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    reason: string;
                };
            };
        };
        responses: {
            /** @description Accepted: it goes on by itself. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "locks.list": {
        parameters: {
            query?: {
                limit?: number;
                cursor?: string;
                resource?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["Lock"][];
                        next_cursor: string | null;
                    };
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "logAggregates.list": {
        parameters: {
            query?: {
                limit?: number;
                cursor?: string;
                wait_for?: number;
                type?: string;
                prefix?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["Aggregate"][];
                        next_cursor: string | null;
                    };
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "logAggregates.get": {
        parameters: {
            query?: {
                wait_for?: number;
            };
            header?: never;
            path: {
                id: string;
                type: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Aggregate"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "logEvents.list": {
        parameters: {
            query?: {
                limit?: number;
                cursor?: string;
                order?: "newest" | "oldest";
                from?: number;
                to?: number;
                type?: string;
                aggregate?: string;
                tenant?: string;
                principal?: string;
                request_id?: string;
                correlation_id?: string;
                trace_id?: string;
                job_id?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["LogEvent"][];
                        next_cursor: string | null;
                        head: number;
                    };
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "logEvents.get": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                position: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LogEventBetween"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "logStats.get": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LogStats"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "logVerify.verify": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    from?: number;
                    to?: number;
                };
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LogVerified"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "placement.get": {
        parameters: {
            query?: {
                tenants?: "true" | "false";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Placement"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "placement.explain": {
        parameters: {
            query: {
                kind: "aggregate" | "projection" | "runner";
                tenant: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PlacementExplanation"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "placement.rebalance": {
        parameters: {
            query: {
                kind: "aggregate" | "projection" | "runner";
                mode?: "balance" | "empty" | "replace";
                shard?: string;
                to?: string;
                tolerance?: number;
                move_budget?: number;
                cooldown_seconds?: number;
                unhealthy?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RebalancePreview"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "placement.tenant": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TenantBalance"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "placement.putTenant": {
        parameters: {
            query?: never;
            header?: {
                /** @description Does it only while what is there has this entity tag; `*` for whatever is there. */
                "If-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    load: number;
                    /** @default [] */
                    pinned?: ("aggregate" | "projection" | "runner")[];
                    /** @default null */
                    anti_affinity?: string | null;
                };
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TenantBalance"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "placement.whatIf": {
        parameters: {
            query: {
                kind: "aggregate" | "projection" | "runner";
                shard: string;
                unhealthy?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WhatIf"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "plans.configApply": {
        parameters: {
            query?: never;
            header: {
                /** @description Repeats with the same key do it once. */
                "Idempotency-Key": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @enum {string} */
                    domain: "routing" | "placement" | "feature-flags" | "runner-activation";
                    /** @default default */
                    name?: string;
                    /** @default platform */
                    scope?: string;
                    /**
                     * @default json
                     * @enum {string}
                     */
                    format?: "json" | "yaml";
                    text?: string;
                    content?: {
                        [key: string]: unknown;
                    };
                    expected_revision?: number;
                    reason: string;
                };
            };
        };
        responses: {
            /** @description Done. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Plan"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "plans.configRollback": {
        parameters: {
            query?: never;
            header: {
                /** @description Repeats with the same key do it once. */
                "Idempotency-Key": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @enum {string} */
                    domain: "routing" | "placement" | "feature-flags" | "runner-activation";
                    /** @default default */
                    name?: string;
                    /** @default platform */
                    scope?: string;
                    revision: number;
                    expected_revision?: number;
                    reason: string;
                };
            };
        };
        responses: {
            /** @description Done. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Plan"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "drains.planDrainNode": {
        parameters: {
            query?: never;
            header: {
                /** @description Repeats with the same key do it once. */
                "Idempotency-Key": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    node: string;
                    parallel?: number;
                    stop_after_failures?: number;
                    reason: string;
                };
            };
        };
        responses: {
            /** @description Done. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Plan"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "drains.planResumeNode": {
        parameters: {
            query?: never;
            header: {
                /** @description Repeats with the same key do it once. */
                "Idempotency-Key": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    node: string;
                    parallel?: number;
                    reason: string;
                };
            };
        };
        responses: {
            /** @description Done. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Plan"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "plans.rebalance": {
        parameters: {
            query?: never;
            header: {
                /** @description Repeats with the same key do it once. */
                "Idempotency-Key": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @enum {string} */
                    kind: "aggregate" | "projection" | "runner";
                    /**
                     * @default balance
                     * @enum {string}
                     */
                    mode?: "balance" | "empty" | "replace";
                    shard?: string;
                    to?: string;
                    tolerance?: number;
                    max_moves?: number;
                    cooldown_seconds?: number;
                    parallel?: number;
                    stop_after_failures?: number;
                    reason: string;
                };
            };
        };
        responses: {
            /** @description Done. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Plan"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "plans.reload": {
        parameters: {
            query?: never;
            header: {
                /** @description Repeats with the same key do it once. */
                "Idempotency-Key": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @enum {string} */
                    kind: "gateway" | "aggregate" | "projection" | "runner";
                    shard: string;
                    reason: string;
                };
            };
        };
        responses: {
            /** @description Done. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Plan"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "plans.decommission": {
        parameters: {
            query?: never;
            header: {
                /** @description Repeats with the same key do it once. */
                "Idempotency-Key": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @enum {string} */
                    kind: "aggregate" | "projection" | "runner";
                    shard: string;
                    to?: string;
                    tolerance?: number;
                    parallel?: number;
                    stop_after_failures?: number;
                    reason: string;
                };
            };
        };
        responses: {
            /** @description Done. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Plan"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "drains.planDrainShard": {
        parameters: {
            query?: never;
            header: {
                /** @description Repeats with the same key do it once. */
                "Idempotency-Key": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @enum {string} */
                    kind: "gateway" | "aggregate" | "projection" | "runner";
                    shard: string;
                    parallel?: number;
                    stop_after_failures?: number;
                    reason: string;
                };
            };
        };
        responses: {
            /** @description Done. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Plan"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "drains.planResumeShard": {
        parameters: {
            query?: never;
            header: {
                /** @description Repeats with the same key do it once. */
                "Idempotency-Key": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @enum {string} */
                    kind: "gateway" | "aggregate" | "projection" | "runner";
                    shard: string;
                    parallel?: number;
                    reason: string;
                };
            };
        };
        responses: {
            /** @description Done. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Plan"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "plans.drain": {
        parameters: {
            query?: never;
            header: {
                /** @description Repeats with the same key do it once. */
                "Idempotency-Key": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    tenant: string;
                    kinds?: ("aggregate" | "projection" | "runner")[];
                    reason: string;
                };
            };
        };
        responses: {
            /** @description Done. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Plan"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "plans.migrate": {
        parameters: {
            query?: never;
            header: {
                /** @description Repeats with the same key do it once. */
                "Idempotency-Key": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    tenant: string;
                    kinds?: ("aggregate" | "projection" | "runner")[];
                    to: string | {
                        [key: string]: string;
                    };
                    reason: string;
                };
            };
        };
        responses: {
            /** @description Done. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Plan"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "plans.resume": {
        parameters: {
            query?: never;
            header: {
                /** @description Repeats with the same key do it once. */
                "Idempotency-Key": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    tenant: string;
                    kinds?: ("aggregate" | "projection" | "runner")[];
                    reason: string;
                };
            };
        };
        responses: {
            /** @description Done. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Plan"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "plans.migrateMany": {
        parameters: {
            query?: never;
            header: {
                /** @description Repeats with the same key do it once. */
                "Idempotency-Key": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    tenants: string[];
                    kinds?: ("aggregate" | "projection" | "runner")[];
                    to: string | {
                        [key: string]: string;
                    };
                    parallel?: number;
                    stop_after_failures?: number;
                    reason: string;
                };
            };
        };
        responses: {
            /** @description Done. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Plan"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "plans.get": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Plan"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "plans.approve": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    reason: string;
                };
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Plan"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "projections.list": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["Projection"][];
                        next_cursor: null;
                        head: number;
                    };
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "projections.get": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProjectionAtHead"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "projections.cancelRebuild": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    reason: string;
                };
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Projection"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "projections.pause": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    reason: string;
                };
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Projection"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "projections.rebuild": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    reason: string;
                };
            };
        };
        responses: {
            /** @description Accepted: it goes on by itself. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Projection"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "projections.resume": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    reason: string;
                };
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Projection"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "projections.skip": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    reason: string;
                    position: number;
                    epoch?: number;
                };
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Projection"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "replicas.list": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["Replica"][];
                        next_cursor: null;
                    };
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "roleBindings.list": {
        parameters: {
            query?: {
                limit?: number;
                cursor?: string;
                principal?: string;
                role?: string;
                scope?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["RoleBinding"][];
                        next_cursor: string | null;
                    };
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "roleBindings.create": {
        parameters: {
            query?: never;
            header: {
                /** @description Repeats with the same key do it once. */
                "Idempotency-Key": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    principal: string;
                    role: string;
                    scope: string;
                };
            };
        };
        responses: {
            /** @description Done. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RoleBinding"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "roleBindings.delete": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "roles.list": {
        parameters: {
            query?: {
                limit?: number;
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["Role"][];
                        next_cursor: string | null;
                    };
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "roles.create": {
        parameters: {
            query?: never;
            header: {
                /** @description Repeats with the same key do it once. */
                "Idempotency-Key": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    name: string;
                    description: string;
                    permissions: ("audit.export" | "audit.read" | "audit.seal" | "change.read" | "config.change" | "config.feature-flags" | "config.placement" | "config.read" | "config.routing" | "config.runner-activation" | "config.write" | "data.browse" | "deadletter.manage" | "deadletter.read" | "definition.read" | "definition.write" | "fleet.read" | "fleet.reload" | "identity.manage" | "job.read" | "job.cancel" | "job.pause" | "job.retry" | "job.signal" | "log.read" | "org.manage" | "org.read" | "plan.approve" | "plan.create" | "placement.read" | "placement.write" | "placement.move" | "project.manage" | "project.read" | "projection.manage" | "projection.read" | "schedule.manage" | "schedule.read" | "self" | "service.command" | "tenant.read" | "tenant.write" | "tenant.migrate" | "tenant.drain" | "tenant.resume" | "webhook.manage" | "webhook.read")[];
                };
            };
        };
        responses: {
            /** @description Done. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Role"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "roles.get": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Role"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "roles.delete": {
        parameters: {
            query?: never;
            header: {
                /** @description Does it only while what is there has this entity tag; `*` for whatever is there. */
                "If-Match": string;
            };
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "roles.change": {
        parameters: {
            query?: never;
            header: {
                /** @description Does it only while what is there has this entity tag; `*` for whatever is there. */
                "If-Match": string;
            };
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    description?: string;
                    permissions?: ("audit.export" | "audit.read" | "audit.seal" | "change.read" | "config.change" | "config.feature-flags" | "config.placement" | "config.read" | "config.routing" | "config.runner-activation" | "config.write" | "data.browse" | "deadletter.manage" | "deadletter.read" | "definition.read" | "definition.write" | "fleet.read" | "fleet.reload" | "identity.manage" | "job.read" | "job.cancel" | "job.pause" | "job.retry" | "job.signal" | "log.read" | "org.manage" | "org.read" | "plan.approve" | "plan.create" | "placement.read" | "placement.write" | "placement.move" | "project.manage" | "project.read" | "projection.manage" | "projection.read" | "schedule.manage" | "schedule.read" | "self" | "service.command" | "tenant.read" | "tenant.write" | "tenant.migrate" | "tenant.drain" | "tenant.resume" | "webhook.manage" | "webhook.read")[];
                };
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Role"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "schedules.list": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["Schedule"][];
                        next_cursor: null;
                    };
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "schedules.create": {
        parameters: {
            query?: never;
            header: {
                /** @description Repeats with the same key do it once. */
                "Idempotency-Key": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    name: string;
                    kind: string;
                    params: {
                        [key: string]: unknown;
                    };
                    cron: string;
                    /** @default UTC */
                    time_zone?: string;
                    /**
                     * @default once
                     * @enum {string}
                     */
                    missed?: "skip" | "once";
                    reason: string;
                };
            };
        };
        responses: {
            /** @description Done. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Schedule"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "schedules.delete": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    reason: string;
                };
            };
        };
        responses: {
            /** @description Done. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "schedules.pause": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    reason: string;
                };
            };
        };
        responses: {
            /** @description Done. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "schedules.resume": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    reason: string;
                };
            };
        };
        responses: {
            /** @description Done. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "serviceAccounts.list": {
        parameters: {
            query?: {
                limit?: number;
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["ServiceAccount"][];
                        next_cursor: string | null;
                    };
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "serviceAccounts.create": {
        parameters: {
            query?: never;
            header: {
                /** @description Repeats with the same key do it once. */
                "Idempotency-Key": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    name: string;
                };
            };
        };
        responses: {
            /** @description Done. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ServiceAccount"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "serviceAccounts.get": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ServiceAccount"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "serviceAccounts.delete": {
        parameters: {
            query?: never;
            header: {
                /** @description Does it only while what is there has this entity tag; `*` for whatever is there. */
                "If-Match": string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "serviceAccounts.change": {
        parameters: {
            query?: never;
            header: {
                /** @description Does it only while what is there has this entity tag; `*` for whatever is there. */
                "If-Match": string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    disabled: boolean;
                };
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ServiceAccount"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "serviceAccounts.createToken": {
        parameters: {
            query?: never;
            header: {
                /** @description Repeats with the same key do it once. */
                "Idempotency-Key": string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    name: string;
                    roles: string[];
                    scope?: {
                        tenants?: string[];
                        nodes?: string[];
                    };
                    /** @default 90 */
                    expires_in_days?: number;
                };
            };
        };
        responses: {
            /** @description Done. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NewApiToken"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "serviceAccounts.rotateToken": {
        parameters: {
            query?: never;
            header: {
                /** @description Repeats with the same key do it once. */
                "Idempotency-Key": string;
            };
            path: {
                token: string;
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    /** @default 24 */
                    overlap_hours?: number;
                };
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NewApiToken"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "shards.list": {
        parameters: {
            query?: {
                kind?: "gateway" | "aggregate" | "projection" | "runner";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["Shard"][];
                        next_cursor: null;
                    };
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "shards.put": {
        parameters: {
            query?: never;
            header?: {
                /** @description Does it only while what is there has this entity tag; `*` for whatever is there. */
                "If-Match"?: string;
            };
            path: {
                shard_id: string;
                kind: "gateway" | "aggregate" | "projection" | "runner";
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    endpoints: {
                        endpoint_id: string;
                        /** Format: uri */
                        url: string;
                    }[];
                    weight?: number;
                    /** @default {} */
                    labels?: {
                        [key: string]: string;
                    };
                    /** @enum {string} */
                    state?: "active" | "cordoned";
                    max_load?: number | null;
                };
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Shard"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "signingKeys.list": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["SigningKey"][];
                        next_cursor: null;
                    };
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "signingKeys.rotate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    reason: string;
                };
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SigningKey"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "stuck.list": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["Finding"][];
                        next_cursor: null;
                        not_checked: {
                            what: string;
                            why: string;
                        }[];
                    };
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "tenants.list": {
        parameters: {
            query?: {
                limit?: number;
                cursor?: string;
                kind?: "aggregate" | "projection" | "runner";
                shard_id?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["Tenant"][];
                        next_cursor: string | null;
                    };
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "tenants.create": {
        parameters: {
            query?: never;
            header: {
                /** @description Repeats with the same key do it once. */
                "Idempotency-Key": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    tenant_id: string;
                    name: string;
                    /** @default {} */
                    placement?: {
                        [key: string]: string;
                    };
                };
            };
        };
        responses: {
            /** @description Done. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Tenant"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "tenants.get": {
        parameters: {
            query?: never;
            header: {
                /** @description The same tenant as in the path. */
                "X-Tenant-Id": string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Tenant"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "tenants.listAudit": {
        parameters: {
            query?: {
                limit?: number;
                cursor?: string;
                from?: string;
                to?: string;
                principal?: string;
                action?: string;
                request_id?: string;
                correlation_id?: string;
                trace_id?: string;
                job_id?: string;
                resource?: string;
                wait_for?: number;
            };
            header: {
                /** @description The same tenant as in the path. */
                "X-Tenant-Id": string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["AuditRecord"][];
                        next_cursor: string | null;
                        position: number;
                        sealed_until: number;
                    };
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "tenants.listJobs": {
        parameters: {
            query?: {
                limit?: number;
                cursor?: string;
                status?: "queued" | "running" | "waiting" | "compensating" | "succeeded" | "failed" | "cancelled" | "needs_attention";
                kind?: string;
                correlation_id?: string;
                parent?: string;
                paused?: "true";
            };
            header: {
                /** @description The same tenant as in the path. */
                "X-Tenant-Id": string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["Job"][];
                        next_cursor: string | null;
                    };
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "users.list": {
        parameters: {
            query?: {
                limit?: number;
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["User"][];
                        next_cursor: string | null;
                    };
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "users.create": {
        parameters: {
            query?: never;
            header: {
                /** @description Repeats with the same key do it once. */
                "Idempotency-Key": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** Format: email */
                    email: string;
                    password: string;
                    roles: ("viewer" | "operator" | "admin")[];
                };
            };
        };
        responses: {
            /** @description Done. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["User"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "users.get": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["User"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "users.change": {
        parameters: {
            query?: never;
            header: {
                /** @description Does it only while what is there has this entity tag; `*` for whatever is there. */
                "If-Match": string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    roles?: ("viewer" | "operator" | "admin")[];
                    disabled?: boolean;
                };
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["User"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "users.resetTotp": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    reason: string;
                };
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["User"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "webhooks.list": {
        parameters: {
            query?: {
                limit?: number;
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["Webhook"][];
                        next_cursor: string | null;
                    };
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "webhooks.create": {
        parameters: {
            query?: never;
            header: {
                /** @description Repeats with the same key do it once. */
                "Idempotency-Key": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    name: string;
                    url: string;
                    types: string[];
                };
            };
        };
        responses: {
            /** @description Done. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NewWebhook"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "webhooks.get": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Webhook"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "webhooks.delete": {
        parameters: {
            query?: never;
            header: {
                /** @description Does it only while what is there has this entity tag; `*` for whatever is there. */
                "If-Match": string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "webhooks.change": {
        parameters: {
            query?: never;
            header: {
                /** @description Does it only while what is there has this entity tag; `*` for whatever is there. */
                "If-Match": string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    name?: string;
                    url?: string;
                    types?: string[];
                    enabled?: boolean;
                };
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Webhook"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "webhookDeliveries.list": {
        parameters: {
            query?: {
                limit?: number;
                cursor?: string;
                status?: "pending" | "delivered" | "dead";
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["WebhookDelivery"][];
                        next_cursor: string | null;
                    };
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "webhookDeliveries.get": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                delivery: string;
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WebhookDelivery"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "webhookDeliveries.replay": {
        parameters: {
            query?: never;
            header: {
                /** @description Repeats with the same key do it once. */
                "Idempotency-Key": string;
            };
            path: {
                delivery: string;
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Accepted: it goes on by itself. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WebhookDelivery"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "webhookDeliveries.replayRange": {
        parameters: {
            query?: never;
            header: {
                /** @description Repeats with the same key do it once. */
                "Idempotency-Key": string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    from: number;
                    to: number;
                };
            };
        };
        responses: {
            /** @description Accepted: it goes on by itself. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WebhookReplay"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "webhooks.rotate": {
        parameters: {
            query?: never;
            header: {
                /** @description Repeats with the same key do it once. */
                "Idempotency-Key": string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    /** @default 24 */
                    overlap_hours?: number;
                };
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NewWebhook"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "webhooks.test": {
        parameters: {
            query?: never;
            header: {
                /** @description Repeats with the same key do it once. */
                "Idempotency-Key": string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Accepted: it goes on by itself. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WebhookTest"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "probes.health": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It does. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        service: string;
                        /** @constant */
                        status: "ok";
                    };
                };
            };
            "4XX": components["responses"]["Problem"];
        };
    };
    "probes.metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Prometheus text. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": string;
                };
            };
            "4XX": components["responses"]["Problem"];
        };
    };
    "apiDocument.get": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        openapi: string;
                        paths: {
                            [key: string]: unknown;
                        };
                    } & {
                        [key: string]: unknown;
                    };
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "changes.get": {
        parameters: {
            query?: {
                cursor?: string;
                types?: string;
                aggregate?: string;
                tenant?: string;
                node?: string;
                limit?: number;
                wait_seconds?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["Change"][];
                        cursor: string;
                        position: number;
                        more: boolean;
                    };
                    "text/event-stream": string;
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "cluster.health": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ClusterHealth"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "cluster.stats": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ClusterStats"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "orgs.list": {
        parameters: {
            query?: {
                limit?: number;
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["Org"][];
                        next_cursor: string | null;
                    };
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "orgs.create": {
        parameters: {
            query?: never;
            header: {
                /** @description Repeats with the same key do it once. */
                "Idempotency-Key": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    name: string;
                    display_name: string;
                };
            };
        };
        responses: {
            /** @description Done. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Org"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "orgs.get": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                org: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Org"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "orgs.delete": {
        parameters: {
            query?: never;
            header: {
                /** @description Does it only while what is there has this entity tag; `*` for whatever is there. */
                "If-Match": string;
            };
            path: {
                org: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "orgs.change": {
        parameters: {
            query?: never;
            header: {
                /** @description Does it only while what is there has this entity tag; `*` for whatever is there. */
                "If-Match": string;
            };
            path: {
                org: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    display_name: string;
                };
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Org"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "projects.list": {
        parameters: {
            query?: {
                limit?: number;
                cursor?: string;
            };
            header?: never;
            path: {
                org: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["Project"][];
                        next_cursor: string | null;
                    };
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "projects.create": {
        parameters: {
            query?: never;
            header: {
                /** @description Repeats with the same key do it once. */
                "Idempotency-Key": string;
            };
            path: {
                org: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    name: string;
                    display_name: string;
                };
            };
        };
        responses: {
            /** @description Done. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Project"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "projects.get": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                project: string;
                org: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Project"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "projects.delete": {
        parameters: {
            query?: never;
            header: {
                /** @description Does it only while what is there has this entity tag; `*` for whatever is there. */
                "If-Match": string;
            };
            path: {
                project: string;
                org: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "projects.change": {
        parameters: {
            query?: never;
            header: {
                /** @description Does it only while what is there has this entity tag; `*` for whatever is there. */
                "If-Match": string;
            };
            path: {
                project: string;
                org: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    display_name: string;
                };
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Project"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "projectKeys.list": {
        parameters: {
            query?: {
                limit?: number;
                cursor?: string;
            };
            header?: never;
            path: {
                project: string;
                org: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["ProjectKey"][];
                        next_cursor: string | null;
                    };
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "projectKeys.create": {
        parameters: {
            query?: never;
            header: {
                /** @description Repeats with the same key do it once. */
                "Idempotency-Key": string;
            };
            path: {
                project: string;
                org: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    name: string;
                    role: string;
                    /** @default 90 */
                    expires_in_days?: number;
                };
            };
        };
        responses: {
            /** @description Done. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NewProjectKey"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "projectKeys.revoke": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                key: string;
                project: string;
                org: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "projectKeys.rotate": {
        parameters: {
            query?: never;
            header: {
                /** @description Repeats with the same key do it once. */
                "Idempotency-Key": string;
            };
            path: {
                key: string;
                project: string;
                org: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    /** @default 24 */
                    overlap_hours?: number;
                };
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NewProjectKey"];
                };
            };
            "4XX": components["responses"]["Problem"];
            "5XX": components["responses"]["Problem"];
        };
    };
    "probes.ready": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It can, perhaps not all of it. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        service: string;
                        /** @enum {string} */
                        status: "ready" | "degraded" | "unavailable";
                        checks: {
                            [key: string]: {
                                ok: boolean;
                                problem?: string;
                            };
                        };
                    };
                };
            };
            /** @description It can not. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        service: string;
                        /** @enum {string} */
                        status: "ready" | "degraded" | "unavailable";
                        checks: {
                            [key: string]: {
                                ok: boolean;
                                problem?: string;
                            };
                        };
                    };
                };
            };
            "4XX": components["responses"]["Problem"];
        };
    };
}

// Made from apps/api-gateway/openapi.json by tools/openapi.mjs: do not change it by hand.
export const operations = {
  "jwks.keys": {
    "method": "GET",
    "path": "/.well-known/jwks.json"
  },
  "apiTokens.list": {
    "method": "GET",
    "path": "/admin/v1/api-tokens"
  },
  "apiTokens.create": {
    "method": "POST",
    "path": "/admin/v1/api-tokens"
  },
  "apiTokens.revoke": {
    "method": "DELETE",
    "path": "/admin/v1/api-tokens/{id}"
  },
  "apiTokens.rotate": {
    "method": "POST",
    "path": "/admin/v1/api-tokens/{id}/rotate"
  },
  "audit.list": {
    "method": "GET",
    "path": "/admin/v1/audit"
  },
  "auditChain.get": {
    "method": "GET",
    "path": "/admin/v1/audit/chain"
  },
  "auditExport.get": {
    "method": "GET",
    "path": "/admin/v1/audit/export"
  },
  "auditSegments.list": {
    "method": "GET",
    "path": "/admin/v1/audit/segments"
  },
  "auditSegments.seal": {
    "method": "POST",
    "path": "/admin/v1/audit/segments/seal"
  },
  "auditVerify.verify": {
    "method": "POST",
    "path": "/admin/v1/audit/verify"
  },
  "access.explain": {
    "method": "GET",
    "path": "/admin/v1/auth/explain"
  },
  "auth.login": {
    "method": "POST",
    "path": "/admin/v1/auth/login"
  },
  "auth.logout": {
    "method": "POST",
    "path": "/admin/v1/auth/logout"
  },
  "auth.me": {
    "method": "GET",
    "path": "/admin/v1/auth/me"
  },
  "oidc.list": {
    "method": "GET",
    "path": "/admin/v1/auth/oidc"
  },
  "oidc.callback": {
    "method": "POST",
    "path": "/admin/v1/auth/oidc/{issuer}/callback"
  },
  "oidc.start": {
    "method": "POST",
    "path": "/admin/v1/auth/oidc/{issuer}/start"
  },
  "auth.password": {
    "method": "POST",
    "path": "/admin/v1/auth/password"
  },
  "auth.refresh": {
    "method": "POST",
    "path": "/admin/v1/auth/refresh"
  },
  "sessions.list": {
    "method": "GET",
    "path": "/admin/v1/auth/sessions"
  },
  "sessions.revoke": {
    "method": "DELETE",
    "path": "/admin/v1/auth/sessions/{id}"
  },
  "totp.enrol": {
    "method": "POST",
    "path": "/admin/v1/auth/totp"
  },
  "totp.confirm": {
    "method": "POST",
    "path": "/admin/v1/auth/totp/confirm"
  },
  "totp.disable": {
    "method": "POST",
    "path": "/admin/v1/auth/totp/disable"
  },
  "totp.recoveryCodes": {
    "method": "POST",
    "path": "/admin/v1/auth/totp/recovery-codes"
  },
  "access.whoami": {
    "method": "GET",
    "path": "/admin/v1/auth/whoami"
  },
  "config.list": {
    "method": "GET",
    "path": "/admin/v1/config"
  },
  "config.get": {
    "method": "GET",
    "path": "/admin/v1/config/{domain}"
  },
  "config.diff": {
    "method": "GET",
    "path": "/admin/v1/config/{domain}/diff"
  },
  "config.history": {
    "method": "GET",
    "path": "/admin/v1/config/{domain}/history"
  },
  "config.revision": {
    "method": "GET",
    "path": "/admin/v1/config/{domain}/revisions/{revision}"
  },
  "data.list": {
    "method": "GET",
    "path": "/admin/v1/data/tables"
  },
  "data.read": {
    "method": "GET",
    "path": "/admin/v1/data/tables/{schema}/{table}"
  },
  "deadLetters.list": {
    "method": "GET",
    "path": "/admin/v1/dead-letters"
  },
  "deadLetters.get": {
    "method": "GET",
    "path": "/admin/v1/dead-letters/{sequence}"
  },
  "deadLetters.discard": {
    "method": "POST",
    "path": "/admin/v1/dead-letters/{sequence}/discard"
  },
  "deadLetters.replay": {
    "method": "POST",
    "path": "/admin/v1/dead-letters/{sequence}/replay"
  },
  "definitionContents.get": {
    "method": "GET",
    "path": "/admin/v1/definition-contents/{sha256}"
  },
  "definitions.list": {
    "method": "GET",
    "path": "/admin/v1/definitions"
  },
  "definitions.put": {
    "method": "POST",
    "path": "/admin/v1/definitions"
  },
  "definitions.validate": {
    "method": "POST",
    "path": "/admin/v1/definitions/validate"
  },
  "definitions.get": {
    "method": "GET",
    "path": "/admin/v1/definitions/{name}"
  },
  "definitions.activations": {
    "method": "GET",
    "path": "/admin/v1/definitions/{name}/activations"
  },
  "definitions.diff": {
    "method": "GET",
    "path": "/admin/v1/definitions/{name}/diff"
  },
  "definitions.versions": {
    "method": "GET",
    "path": "/admin/v1/definitions/{name}/versions"
  },
  "definitions.version": {
    "method": "GET",
    "path": "/admin/v1/definitions/{name}/versions/{version}"
  },
  "definitions.restore": {
    "method": "POST",
    "path": "/admin/v1/definitions/{name}/versions/{version}/restore"
  },
  "definitions.retire": {
    "method": "POST",
    "path": "/admin/v1/definitions/{name}/versions/{version}/retire"
  },
  "fleet.appliedPlacement": {
    "method": "GET",
    "path": "/admin/v1/fleet/applied-placement"
  },
  "fleetHistory.history": {
    "method": "GET",
    "path": "/admin/v1/fleet/endpoints/{id}/history"
  },
  "fleetEvents.events": {
    "method": "GET",
    "path": "/admin/v1/fleet/events"
  },
  "fleet.snapshot": {
    "method": "GET",
    "path": "/admin/v1/fleet/snapshot"
  },
  "jobs.list": {
    "method": "GET",
    "path": "/admin/v1/jobs"
  },
  "jobs.configApply": {
    "method": "POST",
    "path": "/admin/v1/jobs/config/apply"
  },
  "jobs.configRollback": {
    "method": "POST",
    "path": "/admin/v1/jobs/config/rollback"
  },
  "configValidate.validate": {
    "method": "POST",
    "path": "/admin/v1/jobs/config/validate"
  },
  "drains.drainNode": {
    "method": "POST",
    "path": "/admin/v1/jobs/node-drain"
  },
  "drains.resumeNode": {
    "method": "POST",
    "path": "/admin/v1/jobs/node-resume"
  },
  "jobs.rebalance": {
    "method": "POST",
    "path": "/admin/v1/jobs/rebalance"
  },
  "jobs.reload": {
    "method": "POST",
    "path": "/admin/v1/jobs/reload"
  },
  "jobs.decommission": {
    "method": "POST",
    "path": "/admin/v1/jobs/shard-decommission"
  },
  "drains.drainShard": {
    "method": "POST",
    "path": "/admin/v1/jobs/shard-drain"
  },
  "drains.resumeShard": {
    "method": "POST",
    "path": "/admin/v1/jobs/shard-resume"
  },
  "jobs.drain": {
    "method": "POST",
    "path": "/admin/v1/jobs/tenant-drain"
  },
  "jobs.migrate": {
    "method": "POST",
    "path": "/admin/v1/jobs/tenant-migrate"
  },
  "jobs.resume": {
    "method": "POST",
    "path": "/admin/v1/jobs/tenant-resume"
  },
  "jobs.migrateMany": {
    "method": "POST",
    "path": "/admin/v1/jobs/tenants-migrate"
  },
  "jobs.get": {
    "method": "GET",
    "path": "/admin/v1/jobs/{id}"
  },
  "jobs.cancel": {
    "method": "POST",
    "path": "/admin/v1/jobs/{id}/cancel"
  },
  "jobEvents.events": {
    "method": "GET",
    "path": "/admin/v1/jobs/{id}/events"
  },
  "jobs.pause": {
    "method": "POST",
    "path": "/admin/v1/jobs/{id}/pause"
  },
  "jobs.retry": {
    "method": "POST",
    "path": "/admin/v1/jobs/{id}/retry"
  },
  "jobs.signal": {
    "method": "POST",
    "path": "/admin/v1/jobs/{id}/signals/{name}"
  },
  "jobs.unpause": {
    "method": "POST",
    "path": "/admin/v1/jobs/{id}/unpause"
  },
  "locks.list": {
    "method": "GET",
    "path": "/admin/v1/locks"
  },
  "logAggregates.list": {
    "method": "GET",
    "path": "/admin/v1/log/aggregates"
  },
  "logAggregates.get": {
    "method": "GET",
    "path": "/admin/v1/log/aggregates/{type}/{id}"
  },
  "logEvents.list": {
    "method": "GET",
    "path": "/admin/v1/log/events"
  },
  "logEvents.get": {
    "method": "GET",
    "path": "/admin/v1/log/events/{position}"
  },
  "logStats.get": {
    "method": "GET",
    "path": "/admin/v1/log/stats"
  },
  "logVerify.verify": {
    "method": "POST",
    "path": "/admin/v1/log/verify"
  },
  "placement.get": {
    "method": "GET",
    "path": "/admin/v1/placement"
  },
  "placement.explain": {
    "method": "GET",
    "path": "/admin/v1/placement/explain"
  },
  "placement.rebalance": {
    "method": "GET",
    "path": "/admin/v1/placement/rebalance"
  },
  "placement.tenant": {
    "method": "GET",
    "path": "/admin/v1/placement/tenants/{id}"
  },
  "placement.putTenant": {
    "method": "PUT",
    "path": "/admin/v1/placement/tenants/{id}"
  },
  "placement.whatIf": {
    "method": "GET",
    "path": "/admin/v1/placement/what-if"
  },
  "plans.configApply": {
    "method": "POST",
    "path": "/admin/v1/plan/config/apply"
  },
  "plans.configRollback": {
    "method": "POST",
    "path": "/admin/v1/plan/config/rollback"
  },
  "drains.planDrainNode": {
    "method": "POST",
    "path": "/admin/v1/plan/node-drain"
  },
  "drains.planResumeNode": {
    "method": "POST",
    "path": "/admin/v1/plan/node-resume"
  },
  "plans.rebalance": {
    "method": "POST",
    "path": "/admin/v1/plan/rebalance"
  },
  "plans.reload": {
    "method": "POST",
    "path": "/admin/v1/plan/reload"
  },
  "plans.decommission": {
    "method": "POST",
    "path": "/admin/v1/plan/shard-decommission"
  },
  "drains.planDrainShard": {
    "method": "POST",
    "path": "/admin/v1/plan/shard-drain"
  },
  "drains.planResumeShard": {
    "method": "POST",
    "path": "/admin/v1/plan/shard-resume"
  },
  "plans.drain": {
    "method": "POST",
    "path": "/admin/v1/plan/tenant-drain"
  },
  "plans.migrate": {
    "method": "POST",
    "path": "/admin/v1/plan/tenant-migrate"
  },
  "plans.resume": {
    "method": "POST",
    "path": "/admin/v1/plan/tenant-resume"
  },
  "plans.migrateMany": {
    "method": "POST",
    "path": "/admin/v1/plan/tenants-migrate"
  },
  "plans.get": {
    "method": "GET",
    "path": "/admin/v1/plans/{id}"
  },
  "plans.approve": {
    "method": "POST",
    "path": "/admin/v1/plans/{id}/approve"
  },
  "projections.list": {
    "method": "GET",
    "path": "/admin/v1/projections"
  },
  "projections.get": {
    "method": "GET",
    "path": "/admin/v1/projections/{name}"
  },
  "projections.cancelRebuild": {
    "method": "POST",
    "path": "/admin/v1/projections/{name}/cancel-rebuild"
  },
  "projections.pause": {
    "method": "POST",
    "path": "/admin/v1/projections/{name}/pause"
  },
  "projections.rebuild": {
    "method": "POST",
    "path": "/admin/v1/projections/{name}/rebuild"
  },
  "projections.resume": {
    "method": "POST",
    "path": "/admin/v1/projections/{name}/resume"
  },
  "projections.skip": {
    "method": "POST",
    "path": "/admin/v1/projections/{name}/skip"
  },
  "replicas.list": {
    "method": "GET",
    "path": "/admin/v1/replicas"
  },
  "roleBindings.list": {
    "method": "GET",
    "path": "/admin/v1/role-bindings"
  },
  "roleBindings.create": {
    "method": "POST",
    "path": "/admin/v1/role-bindings"
  },
  "roleBindings.delete": {
    "method": "DELETE",
    "path": "/admin/v1/role-bindings/{id}"
  },
  "roles.list": {
    "method": "GET",
    "path": "/admin/v1/roles"
  },
  "roles.create": {
    "method": "POST",
    "path": "/admin/v1/roles"
  },
  "roles.get": {
    "method": "GET",
    "path": "/admin/v1/roles/{name}"
  },
  "roles.change": {
    "method": "PATCH",
    "path": "/admin/v1/roles/{name}"
  },
  "roles.delete": {
    "method": "DELETE",
    "path": "/admin/v1/roles/{name}"
  },
  "schedules.list": {
    "method": "GET",
    "path": "/admin/v1/schedules"
  },
  "schedules.create": {
    "method": "POST",
    "path": "/admin/v1/schedules"
  },
  "schedules.delete": {
    "method": "DELETE",
    "path": "/admin/v1/schedules/{id}"
  },
  "schedules.pause": {
    "method": "POST",
    "path": "/admin/v1/schedules/{id}/pause"
  },
  "schedules.resume": {
    "method": "POST",
    "path": "/admin/v1/schedules/{id}/resume"
  },
  "serviceAccounts.list": {
    "method": "GET",
    "path": "/admin/v1/service-accounts"
  },
  "serviceAccounts.create": {
    "method": "POST",
    "path": "/admin/v1/service-accounts"
  },
  "serviceAccounts.get": {
    "method": "GET",
    "path": "/admin/v1/service-accounts/{id}"
  },
  "serviceAccounts.change": {
    "method": "PATCH",
    "path": "/admin/v1/service-accounts/{id}"
  },
  "serviceAccounts.delete": {
    "method": "DELETE",
    "path": "/admin/v1/service-accounts/{id}"
  },
  "serviceAccounts.createToken": {
    "method": "POST",
    "path": "/admin/v1/service-accounts/{id}/tokens"
  },
  "serviceAccounts.rotateToken": {
    "method": "POST",
    "path": "/admin/v1/service-accounts/{id}/tokens/{token}/rotate"
  },
  "shards.list": {
    "method": "GET",
    "path": "/admin/v1/shards"
  },
  "shards.put": {
    "method": "PUT",
    "path": "/admin/v1/shards/{kind}/{shard_id}"
  },
  "signingKeys.list": {
    "method": "GET",
    "path": "/admin/v1/signing-keys"
  },
  "signingKeys.rotate": {
    "method": "POST",
    "path": "/admin/v1/signing-keys/rotate"
  },
  "stuck.list": {
    "method": "GET",
    "path": "/admin/v1/stuck"
  },
  "tenants.list": {
    "method": "GET",
    "path": "/admin/v1/tenants"
  },
  "tenants.create": {
    "method": "POST",
    "path": "/admin/v1/tenants"
  },
  "tenants.get": {
    "method": "GET",
    "path": "/admin/v1/tenants/{id}"
  },
  "tenants.listAudit": {
    "method": "GET",
    "path": "/admin/v1/tenants/{id}/audit"
  },
  "tenants.listJobs": {
    "method": "GET",
    "path": "/admin/v1/tenants/{id}/jobs"
  },
  "users.list": {
    "method": "GET",
    "path": "/admin/v1/users"
  },
  "users.create": {
    "method": "POST",
    "path": "/admin/v1/users"
  },
  "users.get": {
    "method": "GET",
    "path": "/admin/v1/users/{id}"
  },
  "users.change": {
    "method": "PATCH",
    "path": "/admin/v1/users/{id}"
  },
  "users.resetTotp": {
    "method": "POST",
    "path": "/admin/v1/users/{id}/totp/reset"
  },
  "webhooks.list": {
    "method": "GET",
    "path": "/admin/v1/webhooks"
  },
  "webhooks.create": {
    "method": "POST",
    "path": "/admin/v1/webhooks"
  },
  "webhooks.get": {
    "method": "GET",
    "path": "/admin/v1/webhooks/{id}"
  },
  "webhooks.change": {
    "method": "PATCH",
    "path": "/admin/v1/webhooks/{id}"
  },
  "webhooks.delete": {
    "method": "DELETE",
    "path": "/admin/v1/webhooks/{id}"
  },
  "webhookDeliveries.list": {
    "method": "GET",
    "path": "/admin/v1/webhooks/{id}/deliveries"
  },
  "webhookDeliveries.get": {
    "method": "GET",
    "path": "/admin/v1/webhooks/{id}/deliveries/{delivery}"
  },
  "webhookDeliveries.replay": {
    "method": "POST",
    "path": "/admin/v1/webhooks/{id}/deliveries/{delivery}/replay"
  },
  "webhookDeliveries.replayRange": {
    "method": "POST",
    "path": "/admin/v1/webhooks/{id}/replay"
  },
  "webhooks.rotate": {
    "method": "POST",
    "path": "/admin/v1/webhooks/{id}/rotate"
  },
  "webhooks.test": {
    "method": "POST",
    "path": "/admin/v1/webhooks/{id}/test"
  },
  "probes.health": {
    "method": "GET",
    "path": "/health"
  },
  "probes.metrics": {
    "method": "GET",
    "path": "/metrics"
  },
  "apiDocument.get": {
    "method": "GET",
    "path": "/openapi.json"
  },
  "changes.get": {
    "method": "GET",
    "path": "/platform/v1/changes"
  },
  "cluster.health": {
    "method": "GET",
    "path": "/platform/v1/cluster/health"
  },
  "cluster.stats": {
    "method": "GET",
    "path": "/platform/v1/cluster/stats"
  },
  "orgs.list": {
    "method": "GET",
    "path": "/platform/v1/orgs"
  },
  "orgs.create": {
    "method": "POST",
    "path": "/platform/v1/orgs"
  },
  "orgs.get": {
    "method": "GET",
    "path": "/platform/v1/orgs/{org}"
  },
  "orgs.change": {
    "method": "PATCH",
    "path": "/platform/v1/orgs/{org}"
  },
  "orgs.delete": {
    "method": "DELETE",
    "path": "/platform/v1/orgs/{org}"
  },
  "projects.list": {
    "method": "GET",
    "path": "/platform/v1/orgs/{org}/projects"
  },
  "projects.create": {
    "method": "POST",
    "path": "/platform/v1/orgs/{org}/projects"
  },
  "projects.get": {
    "method": "GET",
    "path": "/platform/v1/orgs/{org}/projects/{project}"
  },
  "projects.change": {
    "method": "PATCH",
    "path": "/platform/v1/orgs/{org}/projects/{project}"
  },
  "projects.delete": {
    "method": "DELETE",
    "path": "/platform/v1/orgs/{org}/projects/{project}"
  },
  "projectKeys.list": {
    "method": "GET",
    "path": "/platform/v1/orgs/{org}/projects/{project}/keys"
  },
  "projectKeys.create": {
    "method": "POST",
    "path": "/platform/v1/orgs/{org}/projects/{project}/keys"
  },
  "projectKeys.revoke": {
    "method": "DELETE",
    "path": "/platform/v1/orgs/{org}/projects/{project}/keys/{key}"
  },
  "projectKeys.rotate": {
    "method": "POST",
    "path": "/platform/v1/orgs/{org}/projects/{project}/keys/{key}/rotate"
  },
  "probes.ready": {
    "method": "GET",
    "path": "/ready"
  }
} as const;

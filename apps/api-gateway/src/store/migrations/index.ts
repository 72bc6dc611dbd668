import type { MigrationClass } from '@fairlead/postgres';
import { Users1763700000000 } from './1763700000000-users.js';
import { Sessions1763710000000 } from './1763710000000-sessions.js';
import { ApiTokens1763720000000 } from './1763720000000-api-tokens.js';
import { ApiTokenScope1763730000000 } from './1763730000000-api-token-scope.js';
import { SecondFactor1763760000000 } from './1763760000000-second-factor.js';
import { ApiTokenRotation1763770000000 } from './1763770000000-api-token-rotation.js';
import { IdempotencyKeys1763780000000 } from './1763780000000-idempotency-keys.js';
import { UserRevision1763781000000 } from './1763781000000-user-revision.js';
import { SigningKeys1763791000000 } from './1763791000000-signing-keys.js';
import { RoleBindings1763800000000 } from './1763800000000-role-bindings.js';
import { Webhooks1763850000000 } from './1763850000000-webhooks.js';
import { ExternalIdentities1763860000000 } from './1763860000000-external-identities.js';
import { ExternalRoles1763870000000 } from './1763870000000-external-roles.js';
import { ServiceAccounts1763880000000 } from './1763880000000-service-accounts.js';
import { Orgs1763890000000 } from './1763890000000-orgs.js';
import { ProjectKeys1763891000000 } from './1763891000000-project-keys.js';
import { ApiTokenPermissions1763892000000 } from './1763892000000-api-token-permissions.js';

/** In the order they are applied. */
export const migrations: readonly MigrationClass[] = [
  Users1763700000000,
  Sessions1763710000000,
  ApiTokens1763720000000,
  ApiTokenScope1763730000000,
  SecondFactor1763760000000,
  ApiTokenRotation1763770000000,
  IdempotencyKeys1763780000000,
  UserRevision1763781000000,
  SigningKeys1763791000000,
  RoleBindings1763800000000,
  Webhooks1763850000000,
  ExternalIdentities1763860000000,
  ExternalRoles1763870000000,
  ServiceAccounts1763880000000,
  Orgs1763890000000,
  ProjectKeys1763891000000,
  ApiTokenPermissions1763892000000,
];

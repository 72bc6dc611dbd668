import type { Role } from '@fairlead/contracts';

/** A local user. */
export interface User {
  /** `usr_…` */
  readonly userId: string;
  /** In lower case. */
  readonly email: string;
  /** argon2id, PHC format. */
  readonly passwordHash: string;
  /** True until the password that the first start made has been changed. */
  readonly passwordIsInitial: boolean;
  /** The built-in roles on the whole platform: their bindings there. */
  readonly roles: readonly Role[];
  readonly disabled: boolean;
  /** The name of a service account or a project, as whom nobody signs in; null for a person. */
  readonly serviceAccount: string | null;
  /** Raised by each change. */
  readonly revision: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

import { FairleadError } from '@fairlead/contracts';

/** An issuer that gives people their access tokens in place of this control plane. */
export interface Elsewhere {
  readonly issuer: string;
  /** The e-mail address of the local admin who signs in here all the same: the way in while the issuer is down. */
  readonly breakGlass: string;
}

/** Throws `sign_in_elsewhere` for everybody but the break-glass admin where access tokens come from an issuer. */
export function refuseElsewhere(elsewhere: Elsewhere | undefined, email: string): void {
  if (elsewhere === undefined || email === elsewhere.breakGlass) return;
  throw new FairleadError('sign_in_elsewhere', `Access tokens come from ${elsewhere.issuer}; only the break-glass admin gets any here`, {
    details: { issuer: elsewhere.issuer },
  });
}

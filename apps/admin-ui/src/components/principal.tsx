import { useQuery } from '@tanstack/react-query';
import { useSyncExternalStore } from 'react';
import { session } from '../api/gateway.js';
import { queries } from '../api/queries.js';
import type { Me } from '../api/types.js';

/** Who is signed in. Pages are shown to nobody else. */
export function useUser(): Me {
  const state = useSyncExternalStore(session.subscribe, session.state);
  if (state.phase !== 'signed-in') throw new Error('nobody is signed in');
  return state.user;
}

/** Why a button is disabled, for somebody without a permission; undefined for who has it. */
export function useDenied(permission: string): string | undefined {
  return useUser().permissions.includes(permission) ? undefined : `You need the permission ${permission}`;
}

/** Who did something: by e-mail address where the reader may know it, else by id. */
export function Principal({ id, via }: { readonly id: string; readonly via?: string | null }) {
  const user = useUser();
  const users = useQuery({ ...queries.users(), enabled: user.permissions.includes('identity.manage') });
  const known = id === user.principal ? user : users.data?.items.find(({ user_id }) => `user:${user_id}` === id);
  return (
    <span title={id}>
      {known === undefined ? <span className="mono">{id}</span> : known.email}
      {via !== undefined && via !== null && ` via ${via}`}
    </span>
  );
}

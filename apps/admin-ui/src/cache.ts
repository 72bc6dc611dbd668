import { QueryClient } from '@tanstack/react-query';
import { session } from './api/gateway.js';
import { asProblem } from './api/problem.js';

/** What was read from the gateway. */
export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      retry: (failures, error) => failures < 2 && asProblem(error).passing,
      retryDelay: (failure) => 500 * 2 ** failure,
      staleTime: 1_000,
    },
    mutations: { retry: false },
  },
});

// The next user of this tab must not see what the last one was shown.
session.subscribe(() => {
  if (session.state().phase === 'signed-out') queryClient.clear();
});

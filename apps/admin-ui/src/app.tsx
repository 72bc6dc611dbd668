import Box from '@cloudscape-design/components/box';
import Spinner from '@cloudscape-design/components/spinner';
import { RouterProvider } from '@tanstack/react-router';
import { useSyncExternalStore } from 'react';
import { session } from './api/gateway.js';
import { ProblemAlert } from './components/problem-alert.js';
import { SignIn } from './pages/sign-in.js';
import { router } from './routes.js';

/** The pages for who is signed in, else the way in; the address stays, so that signing in leads to where one wanted to be. */
export function App() {
  const state = useSyncExternalStore(session.subscribe, session.state);
  switch (state.phase) {
    case 'starting':
      return (
        <Box textAlign="center" padding="xxxl">
          <Spinner size="large" />
        </Box>
      );
    case 'unknown':
      return (
        <main className="sign-in">
          <ProblemAlert what="Fairlead could not be asked who you are" error={state.problem} onRetry={() => void session.start()} />
        </main>
      );
    case 'signed-out':
      return <SignIn ended={state.ended} refused={state.problem} />;
    case 'signed-in':
      return <RouterProvider router={router} />;
  }
}

import Alert from '@cloudscape-design/components/alert';
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import Form from '@cloudscape-design/components/form';
import FormField from '@cloudscape-design/components/form-field';
import Header from '@cloudscape-design/components/header';
import Input from '@cloudscape-design/components/input';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useEffect, useState, type SubmitEvent } from 'react';
import { session } from '../api/gateway.js';
import { ProblemAlert } from '../components/problem-alert.js';

/** The way in. `ended`: a session was there until just now. */
export function SignIn({ ended }: { readonly ended: boolean }) {
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const [problem, setProblem] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    document.title = 'Sign in · Fairlead';
  }, []);
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    setProblem(undefined);
    // On success this page goes away.
    session.signIn(email.trim(), password).catch((error: unknown) => {
      setProblem(error);
      setBusy(false);
    });
  };
  return (
    <main className="sign-in">
      <form onSubmit={submit}>
        <Form
          actions={
            <Button variant="primary" loading={busy} loadingText="Signing in">
              Sign in
            </Button>
          }
        >
          <Container header={<Header variant="h1">Sign in to Fairlead</Header>}>
            <SpaceBetween size="m">
              {ended && problem === undefined && <Alert type="info">Your session has ended. Sign in again to go on.</Alert>}
              {problem !== undefined && <ProblemAlert what="You could not be signed in" error={problem} />}
              <FormField label="E-mail address">
                <Input
                  type="email"
                  name="email"
                  autoComplete="username"
                  autoFocus
                  value={email}
                  onChange={({ detail }) => {
                    setEmail(detail.value);
                  }}
                />
              </FormField>
              <FormField label="Password">
                <Input
                  type="password"
                  name="password"
                  autoComplete="current-password"
                  value={password}
                  onChange={({ detail }) => {
                    setPassword(detail.value);
                  }}
                />
              </FormField>
            </SpaceBetween>
          </Container>
        </Form>
      </form>
    </main>
  );
}

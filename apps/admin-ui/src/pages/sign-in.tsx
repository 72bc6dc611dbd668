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
import { asProblem } from '../api/problem.js';
import { ProblemAlert } from '../components/problem-alert.js';

interface Issuer {
  readonly id: string;
  readonly name: string;
}

/** The way in. `ended`: a session was there until just now; `refused`: why coming back from an issuer did not lead in. */
export function SignIn({ ended, refused }: { readonly ended: boolean; readonly refused: unknown }) {
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const [code, setCode] = useState('');
  /** The gateway has asked for a code: the password was right. */
  const [needsCode, setNeedsCode] = useState(false);
  const [problem, setProblem] = useState<unknown>(refused);
  const [issuers, setIssuers] = useState<readonly Issuer[]>([]);
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    document.title = 'Sign in · Fairlead';
    // Without the list there is the password.
    session.issuers().then(setIssuers, () => undefined);
  }, []);
  /** With another e-mail address or password the sign-in begins anew. */
  const startOver = () => {
    setNeedsCode(false);
    setCode('');
  };
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    // An empty code is none: the gateway would ask for it again.
    if (busy || (needsCode && code.trim() === '')) return;
    setBusy(true);
    setProblem(undefined);
    // On success this page goes away.
    session.signIn(email.trim(), password, needsCode ? code.trim() : undefined).catch((error: unknown) => {
      const isQuestion = !needsCode && asProblem(error).code === 'second_factor_required';
      if (isQuestion) setNeedsCode(true);
      else setProblem(error);
      // A code is good for one try.
      setCode('');
      setBusy(false);
    });
  };
  const signInAt = (issuer: string) => {
    setBusy(true);
    setProblem(undefined);
    // On success the browser goes there.
    session.signInAt(issuer).catch((error: unknown) => {
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
                    startOver();
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
                    startOver();
                  }}
                />
              </FormField>
              {needsCode && (
                <FormField label="Code" description="Of your authenticator app, or one of your recovery codes.">
                  <Input
                    name="code"
                    autoComplete="one-time-code"
                    autoFocus
                    value={code}
                    onChange={({ detail }) => {
                      setCode(detail.value);
                    }}
                  />
                </FormField>
              )}
              {issuers.map(({ id, name }) => (
                <Button
                  key={id}
                  formAction="none"
                  fullWidth
                  disabled={busy}
                  onClick={() => {
                    signInAt(id);
                  }}
                >
                  {`Sign in with ${name}`}
                </Button>
              ))}
            </SpaceBetween>
          </Container>
        </Form>
      </form>
    </main>
  );
}

/**
 * The part of nats.conf that names accounts and users, where certificates say who somebody is. It is made of the table of rights
 * (libs/contracts/src/nats-access.ts) and holds no secret.
 *
 * Each service has an account of its own, and each stream stands in its owner's. Rights within one account would not do: there the
 * answer to a request goes to whatever subject the request names, into any stream too, whoever may not publish there. Between accounts
 * an answer comes back to the account that asked (docs/adr/0011, 0038).
 */
import { controlPlaneServices, natsAccess, natsInbox, natsStreamOwners, type NatsRight, type Peer } from '@fairlead/contracts';
import { identityUri, type TlsFiles } from '@fairlead/tls';

/** Who has an account. */
const users = [...controlPlaneServices, 'fleet'] as const satisfies readonly Peer[];
type User = (typeof users)[number];

/** The streams of installations that were there before stand in this one. */
const namedBefore: Readonly<Partial<Record<User, string>>> = { audit: 'FAIRLEAD' };
const accountOf = (user: User): string => namedBefore[user] ?? user.toUpperCase().replaceAll('-', '_');

/** The accounts, with the user of each and what it has from others. */
export function natsAccountsByCertificate(namespace: string): string {
  const rights = natsAccess(namespace);
  return `accounts {\n${users.map((user) => accountText(user, rights)).join('')}}\n`;
}

/** The accounts as the Swarm stacks have them, in a file of their own. */
export function natsAccountsFile(): string {
  const note = '# Made from libs/contracts/src/nats-access.ts by tools/nats-access.mjs: do not change it by hand.\n';
  return `${note}${natsAccountsByCertificate('')}`;
}

/** Mutual TLS, by which users are known. Read again, with the files, when the server gets SIGHUP. */
export function natsTls(files: TlsFiles): string {
  const [cert, key, ca] = [files.cert, files.key, files.ca].map((file) => JSON.stringify(file));
  return `tls {\n  cert_file: ${cert ?? ''}\n  key_file: ${key ?? ''}\n  ca_file: ${ca ?? ''}\n  verify_and_map: true\n}\n`;
}

const hasStreams = (user: User): boolean => natsStreamOwners.some((owner) => owner === user);

function accountText(user: User, rights: readonly NatsRight[]): string {
  return `  ${accountOf(user)} {
${hasStreams(user) ? '    jetstream: enabled\n' : ''}    users: [{
      user: ${JSON.stringify(identityUri(user))}
      permissions: {
${permissions(user, rights)}      }
    }]
${list('exports', exportsOf(user, rights))}${list('imports', importsOf(user, rights))}  }
`;
}

function permissions(user: User, rights: readonly NatsRight[]): string {
  const published = rights.filter(({ publish = [] }) => publish.includes(user));
  const heard = rights.filter(({ subscribe = [] }) => subscribe.includes(user)).map(({ subject }) => subject);
  const inbox = user === 'fleet' ? '_INBOX' : natsInbox(user);
  const denied = published.flatMap(({ except = [] }) => except);
  const allow = (subjects: readonly string[]) =>
    [...new Set(subjects)].map((subject) => `            ${JSON.stringify(subject)}\n`).join('');
  return `        publish: {
          allow: [
${allow(published.map(({ subject }) => subject))}          ]
${denied.length === 0 ? '' : `          deny: [\n${allow(denied)}          ]\n`}        }
        subscribe: {
          allow: [
${allow([`${inbox}.>`, ...heard])}          ]
        }
`;
}

/**
 * The server itself answers requests of JetStream in an account without streams, that there are none, unless that one has its account's
 * information from another. Nobody may ask for it.
 */
const information = '$JS.API.INFO';

/** Whether a user without streams asks for those in another's account. */
const borrows = (user: User, from: User, rights: readonly NatsRight[]): boolean =>
  !hasStreams(user) &&
  rights.some(({ owner, subject, publish = [] }) => owner === from && subject.startsWith('$JS.API.CONSUMER.') && publish.includes(user));

function exportsOf(user: User, rights: readonly NatsRight[]): string[] {
  const own = rights.filter(({ owner }) => owner === user);
  const borrowers = users.filter((other) => borrows(other, user, rights)).map(accountOf);
  const others = (peers: readonly Peer[] = []) => users.filter((other) => other !== user && peers.includes(other)).map(accountOf);
  return [
    ...(borrowers.length === 0 ? [] : [`{ service: "${information}", accounts: [${borrowers.join(', ')}] }`]),
    ...own.flatMap(({ subject, publish, manyAnswers }) => {
      const accounts = others(publish);
      const many = manyAnswers === true ? ', response_type: stream' : '';
      return accounts.length === 0 ? [] : [`{ service: ${JSON.stringify(subject)}, accounts: [${accounts.join(', ')}]${many} }`];
    }),
    ...own.flatMap(({ subject, subscribe }) => {
      const accounts = others(subscribe);
      return accounts.length === 0 ? [] : [`{ stream: ${JSON.stringify(subject)}, accounts: [${accounts.join(', ')}] }`];
    }),
  ];
}

function importsOf(user: User, rights: readonly NatsRight[]): string[] {
  const foreign = rights.filter(({ owner }) => owner !== user);
  const from = ({ owner, subject }: NatsRight) => `{ account: ${accountOf(owner)}, subject: ${JSON.stringify(subject)} }`;
  const lenders = users.filter((other) => borrows(user, other, rights)).map(accountOf);
  return [
    ...lenders.map((account) => `{ service: { account: ${account}, subject: "${information}" } }`),
    ...foreign.filter(({ publish = [] }) => publish.includes(user)).map((right) => `{ service: ${from(right)} }`),
    ...foreign.filter(({ subscribe = [] }) => subscribe.includes(user)).map((right) => `{ stream: ${from(right)} }`),
  ];
}

function list(name: string, items: readonly string[]): string {
  return items.length === 0 ? '' : `    ${name}: [\n${items.map((item) => `      ${item}\n`).join('')}    ]\n`;
}

export type { Hold, HoldOptions, StackPart } from './hold.js';
export { startStack, type Stack, type StackOptions } from './stack.js';
export { natsUsers } from './nats-accounts.js';
export { natsAccountsByCertificate, natsAccountsFile, natsTls } from './nats-by-certificate.js';
export { certified, prepareCertificates, type Certified } from './certificates.js';
export { prepareContainerSecrets, type SecretReader } from './container-secrets.js';
export { databaseAccessSchema, databasePasswordsSchema, registerFleetSchema } from './settings.js';

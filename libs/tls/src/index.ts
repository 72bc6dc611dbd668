export { tlsConfig, tlsFilesOf, type TlsFiles } from './config.js';
export { identityUri, peerOf } from './identity.js';
export { checkMaterial, type TlsMaterial } from './material.js';
export { fixedTls, watchTls, type TlsSource } from './source.js';

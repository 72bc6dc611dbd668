export { tlsConfig, tlsFilesOf, type TlsFiles } from './config.js';
export { readByHttps, tellByHttps, type ToldText } from './https.js';
export { identityUri, peerOf, speaksFor } from './identity.js';
export { checkMaterial, type TlsMaterial } from './material.js';
export { fixedTls, watchTls, type TlsSource } from './source.js';

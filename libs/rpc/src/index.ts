export { maxMessageBytes, maxMetadataBytes, maxRequestDepth } from './bounds.js';
export * from './client.js';
export {
  defineRpcs,
  rpc,
  streamRpc,
  type CallOptions,
  type Rpc,
  type RpcCall,
  type RpcHandlers,
  type RpcMethods,
  type RpcService,
  type StreamRpc,
} from './definition.js';
export { CallFailed } from './status.js';
export * from './transport.js';

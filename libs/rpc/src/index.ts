export * from './client.js';
export {
  defineRpcs,
  rpc,
  type CallOptions,
  type Rpc,
  type RpcCall,
  type RpcHandlers,
  type RpcMethods,
  type RpcService,
} from './definition.js';
export { CallFailed } from './status.js';
export * from './transport.js';

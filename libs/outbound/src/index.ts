export { addressRule, defaultAllowedCidrs, isCidrList, type AddressRule } from './addresses.js';
export { OutboundError, type OutboundProblem } from './errors.js';
export { hostRule, isHostList, type HostRule } from './hosts.js';
export {
  createOutbound,
  type Outbound,
  type OutboundOptions,
  type OutboundRequest,
  type OutboundResponse,
  type Resolve,
} from './outbound.js';
export { isAllowedCidrs, parseUrl, publicPolicy, type Allowed, type OutboundPolicy, type UrlVerdict } from './policy.js';

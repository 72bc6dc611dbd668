export { addressRule, defaultAllowedCidrs, isCidrList, type AddressRule } from './addresses.js';
export { OutboundError, type OutboundProblem } from './errors.js';
export { createOutbound, type Outbound, type OutboundOptions, type OutboundRequest, type OutboundResponse } from './outbound.js';

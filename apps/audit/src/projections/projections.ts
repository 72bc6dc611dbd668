import { aggregateSummary } from './aggregate-summary/projection.js';
import { auditRecord } from './audit-record/projection.js';

/** The projections of this service. */
export const projections = [auditRecord, aggregateSummary] as const;

import type { configV1 } from '@fairlead/contracts';
import type { RevisionRow } from '../../config/store/documents.js';

export function revisionMessage(row: RevisionRow): configV1.ConfigRevision {
  const { domain, name, scope, revision, sha256, source, updatedAt, updatedBy, reason, state } = row;
  return {
    identity: { domain, name, scope },
    revision,
    sha256,
    source,
    updatedAt: updatedAt?.toISOString() ?? '',
    updatedBy,
    reason,
    state,
  };
}

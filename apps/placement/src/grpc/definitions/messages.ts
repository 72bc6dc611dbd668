import type { definitionV1 } from '@fairlead/contracts';
import { activationKey, type Activation } from '../../definitions/activations.js';
import type { VersionRow } from '../../definitions/store/definitions.js';

export function versionMessage(row: VersionRow): definitionV1.DefinitionVersion {
  const { name, kind, version, sha256, description, createdAt, createdBy, reason, retiredAt, retiredBy, retiredReason } = row;
  return {
    ...{ name, kind, version, sha256, description, createdAt: createdAt.toISOString(), createdBy, reason },
    ...{ retiredAt: retiredAt?.toISOString() ?? '', retiredBy: retiredBy ?? '', retiredReason: retiredReason ?? '' },
  };
}

export function activationMessage(activation: Activation): definitionV1.Activation {
  const { document, tenantId, version, staged } = activation;
  return { document, tenantId: tenantId ?? '', version: version ?? 0, staged, key: activationKey(activation) };
}

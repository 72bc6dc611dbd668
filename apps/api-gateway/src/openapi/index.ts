import 'reflect-metadata';
import { controllers } from '../http/module.js';
import { documentOf, type OpenApiDocument } from './document.js';

export { breakingChanges } from './breaking.js';
export type { OpenApiDocument } from './document.js';

/** The gateway's API in OpenAPI's words. */
export function apiDocument(): OpenApiDocument {
  return documentOf(controllers);
}

/** Method and path of each operation, by its name. */
export function operationsOf({ paths }: OpenApiDocument): Record<string, { method: string; path: string }> {
  return Object.fromEntries(
    Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { operationId }]) => [String(operationId), { method: method.toUpperCase(), path }]),
    ),
  );
}

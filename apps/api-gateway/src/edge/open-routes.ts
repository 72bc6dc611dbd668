/** All routes that need no permission: what answers without a token, as the API's matrix of routes and roles exempts it. */
export const openRoutes: readonly string[] = [
  'GET /.well-known/jwks.json',
  'GET /admin/v1/auth/oidc',
  'GET /health',
  'GET /metrics',
  'GET /openapi.json',
  'GET /ready',
  // The admin UI's files.
  'GET /*',
  'HEAD /*',
];

/** Those that take the session in a cookie, or begin one: they answer anybody but the pages of other sites. */
export const ownSiteRoutes: readonly string[] = [
  'POST /admin/v1/auth/login',
  'POST /admin/v1/auth/logout',
  'POST /admin/v1/auth/oidc/{issuer}/callback',
  'POST /admin/v1/auth/oidc/{issuer}/start',
  'POST /admin/v1/auth/refresh',
];

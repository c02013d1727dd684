/** Every route that answers without a token, of all services. Hooks and sessions have checks of their own. */
const open: readonly RegExp[] = [
  /^\/healthz$/,
  /^\/readyz$/,
  /^\/api\/sessions$/,
  /^\/\.well-known\/jwks\.json$/,
  /^\/api\/openapi\.json$/,
  /^\/api\/docs(\/.*)?$/,
  /^\/openapi\.json$/,
  /^\/hooks\/[^/]+$/,
];

export const isPublic = (path: string): boolean => open.some((pattern) => pattern.test(path));

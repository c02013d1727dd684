/** Every route that answers without a token, of all services. Hooks, sessions, forms and links have checks of their own. */
const open: readonly RegExp[] = [
  /^\/healthz$/,
  /^\/readyz$/,
  /^\/api\/sessions$/,
  /^\/\.well-known\/jwks\.json$/,
  /^\/api\/openapi\.json$/,
  /^\/api\/docs(\/.*)?$/,
  /^\/openapi\.json$/,
  /^\/hooks\/[^/]+$/,
  /^\/forms\/[^/]+$/,
  /^\/unsubscribe\/[^/]+$/,
];

/** The path of a request's URL; a slash at its end means nothing. */
export const pathOf = (url: string): string => (url.split('?', 1)[0] as string).replace(/(.)\/$/, '$1');

export const isPublic = (path: string): boolean => open.some((pattern) => pattern.test(path));

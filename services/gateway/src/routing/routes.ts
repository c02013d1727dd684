import type { ServiceName } from '@throughline/contracts';

type Route = { methods: readonly string[]; path: RegExp; service: ServiceName };

const read = ['GET', 'HEAD'];
const any = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'];
const lists = 'customers|orders|deals|interactions';

/** Who answers what, first match first: lists, search, timeline and reports by analytics, all else by its owner. */
export const routes: readonly Route[] = [
  { methods: read, path: new RegExp(`^/api/(${lists})$`), service: 'analytics' },
  { methods: ['POST'], path: new RegExp(`^/api/(${lists})/query$`), service: 'analytics' },
  { methods: read, path: /^\/api\/customers\/[^/]+\/(timeline|first-contact)$/, service: 'analytics' },
  { methods: any, path: /^\/api\/(search|reports)(\/|$)/, service: 'analytics' },
  { methods: any, path: /^\/api\/(customers|erasures)(\/|$)/, service: 'customers' },
  { methods: any, path: /^\/api\/interactions(\/|$)/, service: 'interactions' },
  { methods: any, path: /^\/api\/(deals|pipelines|orders|exchange-rates)(\/|$)/, service: 'sales' },
];

const writers = ['administrator', 'member', 'integration'];
/** What decides over everybody's figures, and what cannot be undone. */
const configuration = /^\/api\/((pipelines|exchange-rates)(\/|$)|customers\/[^/]+\/erase$)/;

/** What a caller's roles allow on the routes of the table: readers read, and configuration is the administrators'. */
export function isAllowed(roles: readonly string[], method: string, path: string): boolean {
  if (read.includes(method) || (method === 'POST' && path.endsWith('/query'))) return true;
  if (configuration.test(path)) return roles.includes('administrator');
  return roles.some((role) => writers.includes(role));
}

export const ownerOf = (method: string, path: string): ServiceName | undefined =>
  routes.find((route) => route.methods.includes(method) && route.path.test(path))?.service;

import { mayWrite, type ServiceName } from '@throughline/contracts';

/** `methods`: only these; others of the same path are a later route's. */
type Route = { methods?: readonly string[]; path: RegExp; service: ServiceName };

const read = ['GET', 'HEAD'];
const lists = 'customers|orders|deals|interactions';

const ofCustomers =
  'customers|erasures|batches|imports|consent-purposes|field-classes|fields|field-templates|tags|duplicates|duplicate-rules|lifecycle|care-settings|rules/customers|survivorship-rules';

/** Who answers what, first match first: lists, search, timeline and reports by analytics, all else by its owner. */
export const routes: readonly Route[] = [
  { methods: read, path: new RegExp(`^/api/(${lists})$`), service: 'analytics' },
  { path: new RegExp(`^/api/(${lists})/query$`), service: 'analytics' },
  { path: /^\/api\/customers\/[^/]+\/(timeline|first-contact|personal-data|impact)$/, service: 'analytics' },
  { methods: ['POST'], path: /^\/api\/customers\/export$/, service: 'analytics' },
  { path: /^\/api\/(search|reports|exports|export-settings)(\/|$)/, service: 'analytics' },
  { path: new RegExp(`^/api/(${ofCustomers})(/|$)`), service: 'customers' },
  { path: /^\/api\/connections\/[^/]+\/undo$/, service: 'customers' },
  { path: /^\/api\/interactions(\/|$)/, service: 'interactions' },
  { path: /^\/api\/(deals|pipelines|orders|exchange-rates)(\/|$)/, service: 'sales' },
];

/** What decides over everybody's figures, and what cannot be undone. */
const administered =
  'pipelines|exchange-rates|consent-purposes|field-classes|fields|field-templates|duplicate-rules|lifecycle|care-settings|rules/customers|survivorship-rules|export-settings';
const configuration = new RegExp(`^/api/((${administered})(/|$)|customers/[^/]+/erase$|connections/[^/]+/undo$)`);

/** What takes customers out of the house, whole lists at once: a right of its own beside reading. */
const exports = /^\/api\/customers\/export$/;
const exporters = ['administrator', 'exporter'];
/**
 * Reading that is for those who may write: whoever has an unsubscribe link takes a consent back with it, and rows that an import
 * left out are a table of people for whoever mends it.
 */
const forWriters = /^\/api\/(customers\/[^/]+\/consents\/unsubscribe-link|imports\/[^/]+\/(errors|warnings)\.csv)$/;
/** What others did is the administrators' to read. */
const watched = /^\/api\/exports(\/|$)/;

/**
 * What a caller's roles allow on the routes of the table: readers read, exports are the exporters', and configuration is the
 * administrators'.
 */
export function isAllowed(roles: readonly string[], method: string, path: string): boolean {
  if (watched.test(path)) return roles.includes('administrator');
  if (forWriters.test(path)) return mayWrite(roles);
  if (read.includes(method) || (method === 'POST' && path.endsWith('/query'))) return true;
  if (configuration.test(path)) return roles.includes('administrator');
  if (exports.test(path)) return roles.some((role) => exporters.includes(role));
  return mayWrite(roles);
}

export const ownerOf = (method: string, path: string): ServiceName | undefined =>
  routes.find((route) => (route.methods?.includes(method) ?? true) && route.path.test(path))?.service;

/** Where files come in: they are handed on as they come. */
export const takesFile = (method: string, path: string): boolean => method === 'POST' && path === '/api/imports';

/** The methods that others than the path's main owner answer there. */
export const methodsBeside = (path: string): string[] =>
  routes.filter((route) => route.path.test(path)).flatMap(({ methods = [] }) => methods);

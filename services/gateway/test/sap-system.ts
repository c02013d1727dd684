import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

type Value = string | boolean | null | Value[] | { [key: string]: Value | undefined };
/** An OData entity. Navigation properties (`to_…`) hold an array (to many) or an object (to one). */
export type SapEntity = { [key: string]: Value | undefined };

export type SapRequest = { method: string; path: string; status: number };

export type SapSystem = {
  /** Address without a path, for example `http://127.0.0.1:50123`. */
  url: string;
  /** Adds or replaces by `BusinessPartner`. */
  putBusinessPartner(partner: SapEntity & { BusinessPartner: string }): void;
  /** Adds or replaces by `SalesOrder`. */
  putSalesOrder(order: SapEntity & { SalesOrder: string }): void;
  /** The next `n` requests answer with this status instead. */
  failNext(n: number, status: number, headers?: Record<string, string>): void;
  /** Every request so far, oldest first. */
  requests: readonly SapRequest[];
  stop(): Promise<void>;
};

type EntityType = {
  set: string;
  key: readonly string[];
  /** Navigation property -> entity type; `many` for a collection. */
  navigation: Readonly<Record<string, { type: string; many: boolean }>>;
};

const many = (type: string) => ({ type, many: true });
const one = (type: string) => ({ type, many: false });

const services: Readonly<Record<string, Readonly<Record<string, EntityType>>>> = {
  API_BUSINESS_PARTNER: {
    A_BusinessPartner: {
      set: 'A_BusinessPartner',
      key: ['BusinessPartner'],
      navigation: {
        to_BusinessPartnerAddress: many('A_BusinessPartnerAddress'),
        to_BusinessPartnerTax: many('A_BusinessPartnerTaxNumber'),
        to_BusinessPartnerRole: many('A_BusinessPartnerRole'),
        to_Customer: one('A_Customer'),
      },
    },
    A_BusinessPartnerAddress: {
      set: 'A_BusinessPartnerAddress',
      key: ['BusinessPartner', 'AddressID'],
      navigation: {
        to_EmailAddress: many('A_AddressEmailAddress'),
        to_PhoneNumber: many('A_AddressPhoneNumber'),
        to_MobilePhoneNumber: many('A_AddressPhoneNumber'),
        to_URLAddress: many('A_AddressHomePageURL'),
      },
    },
    A_BusinessPartnerTaxNumber: {
      set: 'A_BusinessPartnerTaxNumber',
      key: ['BusinessPartner', 'BPTaxType'],
      navigation: {},
    },
    A_BusinessPartnerRole: {
      set: 'A_BusinessPartnerRole',
      key: ['BusinessPartner', 'BusinessPartnerRole'],
      navigation: {},
    },
    A_Customer: { set: 'A_Customer', key: ['Customer'], navigation: {} },
    A_AddressEmailAddress: { set: 'A_AddressEmailAddress', key: ['AddressID', 'OrdinalNumber'], navigation: {} },
    A_AddressPhoneNumber: { set: 'A_AddressPhoneNumber', key: ['AddressID', 'OrdinalNumber'], navigation: {} },
    A_AddressHomePageURL: { set: 'A_AddressHomePageURL', key: ['AddressID', 'OrdinalNumber'], navigation: {} },
  },
  API_SALES_ORDER_SRV: {
    A_SalesOrder: {
      set: 'A_SalesOrder',
      key: ['SalesOrder'],
      navigation: {
        to_Item: many('A_SalesOrderItem'),
        to_Partner: many('A_SalesOrderHeaderPartner'),
        to_Text: many('A_SalesOrderText'),
      },
    },
    A_SalesOrderItem: { set: 'A_SalesOrderItem', key: ['SalesOrder', 'SalesOrderItem'], navigation: {} },
    A_SalesOrderHeaderPartner: {
      set: 'A_SalesOrderHeaderPartner',
      key: ['SalesOrder', 'PartnerFunction'],
      navigation: {},
    },
    A_SalesOrderText: { set: 'A_SalesOrderText', key: ['SalesOrder', 'Language', 'LongTextID'], navigation: {} },
  },
};

/** What the request asks for, or the answer that says why not. */
class Answer extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

const plain = (value: Value | undefined): string => (typeof value === 'string' ? value : '');

const items = (value: Value | undefined): SapEntity[] => {
  if (Array.isArray(value)) return value as SapEntity[];
  if (value && typeof value === 'object')
    return Array.isArray(value['results']) ? (value['results'] as SapEntity[]) : [value];
  return [];
};

/**
 * A small real HTTP server that answers like the OData V2 services of S/4HANA: basic authentication, `$expand` with
 * paths, deferred navigation properties, Atom instead of JSON without `$format=json`, errors as SAP sends them.
 */
export async function startSapSystem(options: { user: string; password: string; port?: number }): Promise<SapSystem> {
  const partners = new Map<string, SapEntity>();
  const orders = new Map<string, SapEntity>();
  const stored: Readonly<Record<string, ReadonlyMap<string, SapEntity>>> = {
    A_BusinessPartner: partners,
    A_SalesOrder: orders,
  };
  const requests: SapRequest[] = [];
  let failures: { status: number; headers: Record<string, string> }[] = [];
  const expected = `Basic ${Buffer.from(`${options.user}:${options.password}`).toString('base64')}`;

  function render(
    base: string,
    service: string,
    typeName: string,
    entity: SapEntity,
    expand: readonly string[][],
  ): SapEntity {
    const type = services[service]?.[typeName];
    if (!type) return entity;
    const key =
      type.key.length === 1
        ? `'${plain(entity[type.key[0]!])}'`
        : type.key.map((name) => `${name}='${plain(entity[name])}'`).join(',');
    const uri = `${base}/sap/opu/odata/sap/${service}/${type.set}(${key})`;
    const rendered: SapEntity = { __metadata: { id: uri, uri, type: `${service}.${typeName}Type` } };
    for (const [name, value] of Object.entries(entity)) {
      if (!(name in type.navigation)) rendered[name] = value;
    }
    for (const [first] of expand) {
      if (first && !(first in type.navigation)) {
        throw new Answer(
          400,
          '005056A509B11EE1B9A8FEC11C23378E',
          `Invalid $expand: '${first}' is not a navigation property`,
        );
      }
    }
    for (const [name, target] of Object.entries(type.navigation)) {
      const deeper = expand.filter(([first]) => first === name).map(([, ...rest]) => rest);
      if (deeper.length === 0) {
        rendered[name] = { __deferred: { uri: `${uri}/${name}` } };
        continue;
      }
      const expanded = items(entity[name]).map((item) =>
        render(
          base,
          service,
          target.type,
          item,
          deeper.filter((path) => path.length > 0),
        ),
      );
      rendered[name] = target.many ? { results: expanded } : (expanded[0] ?? null);
    }
    return rendered;
  }

  function read(base: string, url: URL): Value {
    const match = /^\/sap\/opu\/odata\/sap\/([^/;]+)(?:;v=\d+)?\/([A-Za-z_]+)\((.+?)\)(?:\/(\w+))?$/.exec(url.pathname);
    const service = match?.[1] ?? url.pathname.split('/')[5] ?? '';
    const types = services[service];
    if (!types) {
      throw new Answer(404, '/IWFND/MED/170', `No service found for namespace '', name '${service}', version '0001'`);
    }
    const set = match?.[2] ?? '';
    const records = stored[set];
    if (!match || !records || !types[set]) {
      const segment = decodeURIComponent(url.pathname.split('/')[6] ?? '').replace(/\(.*/, '');
      throw new Answer(404, '005056A509B11EE1B9A8FEC11C21D78E', `Resource not found for the segment '${segment}'`);
    }
    const key = decodeURIComponent(match[3]!).replace(/^\w+=/, '').replace(/^'|'$/g, '').replaceAll("''", "'");
    const entity = records.get(key);
    if (!entity) throw new Answer(404, '/IWBEP/CM_MGW_RT/020', `Resource not found for segment '${set}Type'`);
    const expand = (url.searchParams.get('$expand') ?? '')
      .split(',')
      .filter((path) => path !== '')
      .map((path) => path.trim().split('/'));
    const navigation = match[4];
    if (!navigation) return render(base, service, set, entity, expand);
    const target = types[set].navigation[navigation];
    if (!target) {
      throw new Answer(404, '005056A509B11EE1B9A8FEC11C21D78E', `Resource not found for the segment '${navigation}'`);
    }
    const found = items(entity[navigation]).map((item) => render(base, service, target.type, item, expand));
    return target.many ? { results: found } : (found[0] ?? null);
  }

  function answer(request: IncomingMessage, response: ServerResponse): void {
    const base = `http://${request.headers.host ?? ''}`;
    const url = new URL(request.url ?? '/', base);
    const send = (status: number, headers: Record<string, string>, body: string) => {
      requests.push({ method: request.method ?? '', path: request.url ?? '', status });
      response.writeHead(status, headers).end(body);
    };
    const json = (status: number, body: unknown) =>
      send(
        status,
        { 'content-type': 'application/json;charset=utf-8', dataserviceversion: '2.0' },
        JSON.stringify(body),
      );
    const problem = (status: number, code: string, value: string) =>
      json(status, {
        error: {
          code,
          message: { lang: 'en', value },
          innererror: { transactionid: '5FD3A4B0C1D200F0E0063C1B2A190807', timestamp: '', errordetails: [] },
        },
      });

    const failure = failures.shift();
    if (failure) {
      send(
        failure.status,
        { 'content-type': 'text/html', ...failure.headers },
        `<html><h1>${failure.status}</h1></html>`,
      );
    } else if (request.headers.authorization !== expected) {
      send(
        401,
        { 'content-type': 'text/html', 'www-authenticate': 'Basic realm="SAP NetWeaver Application Server [S4H/100]"' },
        '<html><head><title>Logon Error Message</title></head></html>',
      );
    } else if (request.method !== 'GET') {
      problem(405, '/IWFND/CM_CONSUMER/001', `Method '${request.method}' not allowed`);
    } else {
      try {
        const d = read(base, url);
        const wantsJson = url.searchParams.get('$format') === 'json' || /json/.test(request.headers.accept ?? '');
        if (wantsJson) json(200, { d });
        else send(200, { 'content-type': 'application/atom+xml;type=entry' }, '<?xml version="1.0"?><entry/>');
      } catch (error) {
        if (!(error instanceof Answer)) throw error;
        problem(error.status, error.code, error.message);
      }
    }
  }

  const server = createServer(answer);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    putBusinessPartner: (partner) => void partners.set(partner.BusinessPartner, structuredClone(partner)),
    putSalesOrder: (order) => void orders.set(order.SalesOrder, structuredClone(order)),
    failNext: (n, status, headers = {}) => {
      failures = [...failures, ...Array.from({ length: n }, () => ({ status, headers }))];
    },
    requests,
    stop: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()));
        server.closeAllConnections();
      }),
  };
}

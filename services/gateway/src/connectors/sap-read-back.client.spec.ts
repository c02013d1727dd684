import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { startSapSystem, type SapSystem } from '../../test/sap-system.ts';
import { businessPartner, cloudEvent, delivery, map, one, salesOrder } from './deliveries.fixtures.ts';
import { cloudEvents } from './cloudevents.ts';
import { readBackRequest, sap, withReadBack, type ReadBackRequest } from './sap.ts';
import { SapReader, type ReadBackOptions } from './sap-read-back.client.ts';

const credentials = { user: 'CRM', password: 'geheim:ß' };
const request: ReadBackRequest = { service: 'API_SALES_ORDER_SRV', path: "A_SalesOrder('1')", expand: ['to_Item'] };

describe('reading back from SAP', () => {
  let system: SapSystem;
  let clock = 0;
  let pauses: number[] = [];
  const reader = (options: ReadBackOptions = {}) =>
    new SapReader({
      now: () => clock,
      sleep: async (ms) => {
        pauses.push(ms);
        clock += ms;
      },
      random: () => 1,
      ...options,
    });
  const connection = () => ({ url: system.url, ...credentials });

  beforeEach(async () => {
    system = await startSapSystem(credentials);
    system.putBusinessPartner(businessPartner as Parameters<SapSystem['putBusinessPartner']>[0]);
    system.putSalesOrder(salesOrder as Parameters<SapSystem['putSalesOrder']>[0]);
    pauses = [];
    clock = Date.parse('2026-03-31T08:15:00Z');
  });
  afterEach(() => system.stop());

  it('leads from an event with a key to the customer it is about', async () => {
    const body = JSON.stringify(cloudEvent('BusinessPartner', { BusinessPartner: '1000992' }));
    const from = delivery({ 'content-type': 'application/cloudevents+json' }, body);
    const [event] = cloudEvents(from.headers, from.body)!;
    const result = await reader().readBack(connection(), readBackRequest(event!)!);
    if (result.outcome !== 'found') throw new Error(result.outcome);
    const whole = withReadBack(from, event!, result.body);
    const bare = map(sap, delivery({}, businessPartner));
    expect(one(map(sap, whole), 'CustomerSeen')).toEqual(one(bare, 'CustomerSeen'));
    expect(system.requests[0]?.path).toBe(
      "/sap/opu/odata/sap/API_BUSINESS_PARTNER/A_BusinessPartner('1000992')?$expand=" +
        'to_BusinessPartnerAddress/to_EmailAddress,to_BusinessPartnerAddress/to_PhoneNumber,' +
        'to_BusinessPartnerAddress/to_MobilePhoneNumber,to_BusinessPartnerTax&$format=json',
    );
  });
  it('keeps path and client of the address', async () => {
    const url = `${system.url}/sap/opu/odata/sap/?sap-client=100`;
    expect(await reader().readBack({ ...connection(), url }, request)).toMatchObject({ outcome: 'found' });
    expect(system.requests[0]?.path).toBe(
      "/sap/opu/odata/sap/API_SALES_ORDER_SRV/A_SalesOrder('1')?sap-client=100&$expand=to_Item&$format=json",
    );
  });
  it('says when the object is gone', async () => {
    expect(await reader().readBack(connection(), { ...request, path: "A_SalesOrder('404')" })).toEqual({
      outcome: 'gone',
    });
  });
  it('takes nothing for gone when the service is not there', async () => {
    await expect(reader().readBack(connection(), { ...request, service: 'API_OTHER' })).rejects.toMatchObject({
      fault: 'not-odata',
      transient: false,
    });
  });
  it('does not try again with credentials that are refused', async () => {
    await expect(reader().readBack({ ...connection(), password: 'x' }, request)).rejects.toMatchObject({
      fault: 'refused',
      transient: false,
      message: expect.not.stringContaining('CRM'),
    });
    expect(system.requests).toHaveLength(1);
  });
  it('tries again with growing pauses', async () => {
    system.failNext(3, 503);
    expect(await reader().readBack(connection(), request)).toMatchObject({ outcome: 'found' });
    expect(pauses).toEqual([500, 1000, 2000]);
  });
  it('waits as long as it is asked to', async () => {
    system.failNext(1, 429, { 'retry-after': '7' });
    system.failNext(1, 503, { 'retry-after': new Date(clock + 7000 + 3000).toUTCString() });
    expect(await reader().readBack(connection(), request)).toMatchObject({ outcome: 'found' });
    expect(pauses).toEqual([7000, 3000]);
  });
  it('hands a longer wait to the caller', async () => {
    system.failNext(1, 503, { 'retry-after': '3600' });
    await expect(reader().readBack(connection(), request)).rejects.toMatchObject({
      transient: true,
      retryAfterMs: 3_600_000,
    });
    expect(pauses).toEqual([]);
  });
  it('gives up after its attempts', async () => {
    system.failNext(9, 500);
    await expect(reader().readBack(connection(), request)).rejects.toMatchObject({
      fault: 'unavailable',
      transient: true,
    });
    expect(system.requests).toHaveLength(4);
  });
  it('does not try again what SAP calls wrong', async () => {
    await expect(reader().readBack(connection(), { ...request, expand: ['to_Nothing'] })).rejects.toMatchObject({
      fault: 'rejected',
      transient: false,
    });
  });
  it('keeps to its rate', async () => {
    const shared = reader({ rate: 5, burst: 2 });
    for (let i = 0; i < 4; i += 1) await shared.readBack(connection(), request);
    expect(pauses).toEqual([200, 200]);
    clock += 1000;
    await shared.readBack(connection(), request);
    expect(pauses).toHaveLength(2);
  });

  describe('from what is no SAP system', () => {
    let server: Server | undefined;
    const answering = async (...[status, headers, text]: [number, Record<string, string>, string]) => {
      server = createServer((_, response) => response.writeHead(status, headers).end(text));
      await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
      return { ...credentials, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
    };
    afterEach(() => {
      server?.close().closeAllConnections();
    });

    it('never follows to another host', async () => {
      const there = await answering(302, { location: `${system.url}/sap/opu/odata/sap/` }, '');
      await expect(reader().readBack(there, request)).rejects.toMatchObject({ fault: 'redirected' });
      expect(system.requests).toHaveLength(0);
    });
    it('does not go round in circles', async () => {
      const there = await answering(307, { location: '/again' }, '');
      await expect(reader().readBack(there, request)).rejects.toMatchObject({ fault: 'redirected' });
    });
    it('does not take a logon page for an answer', async () => {
      const there = await answering(200, { 'content-type': 'text/html' }, '<html>Logon</html>');
      await expect(reader().readBack(there, request)).rejects.toMatchObject({ fault: 'not-odata', transient: false });
    });
    it('does not take in any amount', async () => {
      const there = await answering(200, {}, 'x'.repeat(2000));
      await expect(reader({ maxBytes: 1000 }).readBack(there, request)).rejects.toMatchObject({ fault: 'too-large' });
    });
    it('does not wait for ever', async () => {
      server = createServer(() => undefined);
      await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const impatient = reader({ timeoutMs: 30, attempts: 2 });
      await expect(impatient.readBack({ ...credentials, url }, request)).rejects.toMatchObject({ transient: true });
      expect(pauses).toEqual([500]);
    });
    it('says that nobody is there', async () => {
      const nowhere = { ...credentials, url: 'http://127.0.0.1:9' };
      await expect(reader({ attempts: 1 }).readBack(nowhere, request)).rejects.toMatchObject({ transient: true });
      await expect(reader().readBack({ ...credentials, url: 'file:///etc' }, request)).rejects.toMatchObject({
        fault: 'bad-url',
      });
    });
  });

  describe('the system', () => {
    const get = (path: string) =>
      fetch(`${system.url}/sap/opu/odata/sap/${path}`, {
        headers: { authorization: `Basic ${Buffer.from('CRM:geheim:ß').toString('base64')}` },
      });
    it('defers what is not expanded, and can be asked for it', async () => {
      const answer = (await (await get("API_SALES_ORDER_SRV/A_SalesOrder('1')?$format=json")).json()) as {
        d: { to_Item: { __deferred: { uri: string } } };
      };
      const uri = answer.d.to_Item.__deferred.uri;
      expect(uri).toBe(`${system.url}/sap/opu/odata/sap/API_SALES_ORDER_SRV/A_SalesOrder('1')/to_Item`);
      const items = await (await get(`${uri.split('/sap/opu/odata/sap/')[1]}?$format=json`)).json();
      expect(items).toMatchObject({ d: { results: [{ SalesOrderItem: '10' }, { SalesOrderItem: '20' }] } });
    });
    it('speaks Atom unless asked otherwise', async () => {
      const answer = await get("API_SALES_ORDER_SRV/A_SalesOrder('1')");
      expect(answer.headers.get('content-type')).toContain('atom+xml');
    });
    it('sends errors as SAP does', async () => {
      const answer = await get("API_SALES_ORDER_SRV/A_SalesOrder('7')?$format=json");
      expect(answer.status).toBe(404);
      expect(await answer.json()).toMatchObject({
        error: {
          code: '/IWBEP/CM_MGW_RT/020',
          message: { lang: 'en', value: expect.stringContaining('A_SalesOrder') },
        },
      });
    });
  });
});

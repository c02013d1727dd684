import { createHmac } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { defaults } from './connections.ts';
import { readRevenue, since } from './instance.ts';
import { handshake, send, signature, type Connection } from './sender.ts';
import { traffic } from './traffic.ts';

const { connections, deliveries } = traffic({ ...defaults, orders: 20 });
const plan = (key: string) => {
  const found = connections.find((connection) => connection.key === key);
  if (!found) throw new Error(key);
  return found;
};

describe('a signature', () => {
  it.each([
    ['shopify', 'x-shopify-hmac-sha256'],
    ['woocommerce', 'x-wc-webhook-signature'],
  ])('of %s is the HMAC of the very bytes, in base64', (key, header) => {
    const all = deliveries.filter((delivery) => delivery.connection === key);
    expect(all.length).toBeGreaterThan(0);
    for (const delivery of all) {
      const expected = createHmac('sha256', plan(key).secret ?? '')
        .update(Buffer.from(delivery.body, 'utf8'))
        .digest('base64');
      expect(signature(plan(key), delivery)).toEqual({ [header]: expected });
    }
  });

  it('of the till follows Standard Webhooks: the example of its specification', () => {
    const example = { ...plan('till'), secret: 'whsec_plJ3nmyCDGBKInavdOK15jsl' };
    const delivery = {
      headers: { 'webhook-id': 'msg_loFOjxBNrRLzqYUf' },
      body: '{"event_type":"ping","data":{"success":true}}',
    };
    expect(signature(example, delivery, 1_731_705_121_000)).toEqual({
      'webhook-timestamp': '1731705121',
      'webhook-signature': 'v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=',
    });
  });

  it('of SAP is a bearer token', () => {
    expect(signature(plan('sap'), { headers: {}, body: '' })).toEqual({ authorization: `Bearer ${plan('sap').token}` });
  });
});

describe('sending', () => {
  type Handler = (request: IncomingMessage & { text: string }, response: ServerResponse) => void;
  const serving = async (handle: Handler, test: (url: string) => Promise<void>) => {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () =>
        handle(Object.assign(request, { text: Buffer.concat(chunks).toString('utf8') }), response),
      );
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      await test(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    } finally {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  };
  const at = (url: string) =>
    new Map(
      connections.map((connection): [Connection['key'], Connection] => [
        connection.key,
        { ...connection, hookUrl: `${url}/hooks/${connection.key}` },
      ]),
    );

  it('brings every delivery across, through limits, errors and broken connections', async () => {
    const taken: string[] = [];
    let turn = 0;
    await serving(
      (request, response) => {
        turn++;
        if (turn % 11 === 0) response.writeHead(503).end();
        else if (turn % 13 === 0) response.writeHead(429).end();
        else if (turn % 17 === 0) request.socket.destroy();
        else {
          taken.push(request.text);
          response.writeHead(202).end();
        }
      },
      async (url) => {
        let sent = 0;
        const refused = await send({
          connections: at(url),
          deliveries,
          concurrency: 4,
          onSent: (count) => (sent = count),
        });
        expect(refused).toEqual([]);
        expect(sent).toBe(deliveries.length);
        expect(taken.toSorted()).toEqual(deliveries.map(({ body }) => body).toSorted());
      },
    );
  });

  it('says what was refused for good, and does not insist', async () => {
    let requests = 0;
    await serving(
      (request, response) => {
        requests++;
        response.writeHead(request.url === '/hooks/sap' ? 401 : 202).end('no');
      },
      async (url) => {
        const some = deliveries.slice(0, 40);
        const refused = await send({ connections: at(url), deliveries: some, concurrency: 2 });
        expect(refused.map(({ delivery }) => delivery)).toEqual(some.filter(({ connection }) => connection === 'sap'));
        expect(requests).toBe(some.length);
      },
    );
  });

  it('begins as the systems begin: with a form-encoded ping and with a question', async () => {
    const asked: string[] = [];
    await serving(
      (request, response) => {
        const { method, headers, text } = request;
        asked.push([method, headers['content-type'] ?? headers['webhook-request-origin'], text].join(' ').trim());
        expect(headers['x-wc-webhook-signature']).toBeUndefined();
        response.writeHead(200, { 'webhook-allowed-origin': headers['webhook-request-origin'] ?? '' }).end();
      },
      async (url) => {
        for (const connection of at(url).values()) await handshake(connection);
        expect(asked).toEqual([
          'POST application/x-www-form-urlencoded webhook_id=2',
          'OPTIONS event-mesh.sap.example',
        ]);
      },
    );
  });
});

describe('the revenue report', () => {
  const months = new Map([
    ['2026-01', 123450n],
    ['2026-02', -100n],
  ]);
  it.each([
    [
      'objects',
      {
        columns: [{ name: 'month' }, { name: 'revenue' }],
        rows: [
          { month: '2026-01', revenue: '1234.50' },
          { month: '2026-02-01', revenue: { amount: '-1', currency: 'CNY' } },
        ],
      },
    ],
    [
      'arrays',
      {
        columns: [{ name: 'orders' }, { name: 'month' }, { name: 'revenue' }],
        rows: [
          [3, '2026-01', '1234.500000'],
          [0, '2026-02', -1],
        ],
      },
    ],
  ])('is read from rows that are %s', (_, report) => {
    expect(readRevenue(report)).toEqual(months);
  });

  it('counts only what came on top of what was there', () => {
    const before = { customers: 2, revenueByMonth: new Map([['2026-01', 50n]]), total: 50n };
    const now = { customers: 5, revenueByMonth: months, total: 123350n };
    expect(since(before, now)).toEqual({
      customers: 3,
      revenueByMonth: new Map([
        ['2026-01', 123400n],
        ['2026-02', -100n],
      ]),
      total: 123300n,
    });
  });
});

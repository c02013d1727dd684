import { createHmac } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ConnectionKey, ConnectionPlan, Delivery } from './delivery.ts';

/** What ends the demo with one line. */
export class Failure extends Error {}

const hmac = (key: string | Buffer, text: string): string => createHmac('sha256', key).update(text).digest('base64');

/** The headers that prove who sent this body, as each system makes them. */
export const signature = (
  plan: ConnectionPlan,
  delivery: Pick<Delivery, 'headers' | 'body'>,
  now: number = Date.now(),
): Record<string, string> => {
  const secret = plan.secret ?? '';
  switch (plan.kind) {
    case 'shopify':
      return { 'x-shopify-hmac-sha256': hmac(secret, delivery.body) };
    case 'woocommerce':
      return { 'x-wc-webhook-signature': hmac(secret, delivery.body) };
    case 'sap':
      return { authorization: `Bearer ${plan.token ?? ''}` };
    case 'json': {
      // Standard Webhooks: the time is part of what is signed, so every attempt is signed anew.
      const timestamp = String(Math.floor(now / 1000));
      const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
      const signed = `${delivery.headers['webhook-id'] ?? ''}.${timestamp}.${delivery.body}`;
      return { 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${hmac(key, signed)}` };
    }
  }
};

export type Connection = ConnectionPlan & { hookUrl: string };
export type Refused = { delivery: Delivery; status: number; text: string };

/** What every system does before its first message. */
export const handshake = async (connection: Connection): Promise<void> => {
  if (connection.kind === 'woocommerce') {
    // The moment a webhook is saved: unsigned, and not JSON.
    const answer = await patiently(connection.hookUrl, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        'user-agent': 'WooCommerce/10.3.5 Hookshot (WordPress/6.8)',
      },
      body: 'webhook_id=2',
    });
    if (!answer.ok)
      throw new Failure(`${connection.name}: the ping of WooCommerce was answered with ${answer.status}.`);
  }
  if (connection.kind === 'sap') {
    const origin = 'event-mesh.sap.example';
    const answer = await patiently(connection.hookUrl, {
      method: 'OPTIONS',
      headers: {
        'webhook-request-origin': origin,
        'webhook-request-rate': '120',
        ...signature(connection, { headers: {}, body: '' }),
      },
    });
    const allowed = answer.headers.get('webhook-allowed-origin');
    if (!answer.ok || (allowed !== '*' && allowed !== origin))
      throw new Failure(
        `${connection.name}: the CloudEvents handshake was answered with ${answer.status}, WebHook-Allowed-Origin ${allowed ?? 'missing'}.`,
      );
  }
};

/** For how long a system goes on trying: longer than a restart takes. */
const minutes = 15;

/**
 * One request, again and again while the network, a limit or the server is in the way.
 *
 * @param init made anew for every attempt where it is a function
 * @throws Failure when nothing helped in all the minutes of `patience`
 */
export const patiently = async (
  url: string,
  init: RequestInit | (() => RequestInit),
  { patience = minutes, onWait }: { patience?: number; onWait?: (why: string) => void } = {},
): Promise<{ status: number; ok: boolean; headers: Headers; text: string }> => {
  const giveUp = Date.now() + patience * 60_000;
  for (let attempt = 0; ; attempt++) {
    let why: string;
    let pause = Math.min(200 * 2 ** attempt, 5_000);
    try {
      const answer = await fetch(url, {
        ...(typeof init === 'function' ? init() : init),
        signal: AbortSignal.timeout(30_000),
        redirect: 'manual',
      });
      const text = await answer.text();
      if (answer.status !== 429 && answer.status < 500)
        return { status: answer.status, ok: answer.ok, headers: answer.headers, text };
      why = `answered ${answer.status}`;
      const after = Number(answer.headers.get('retry-after'));
      if (after > 0) pause = Math.min(after * 1000, 60_000);
    } catch (error) {
      why = error instanceof Error && error.name === 'TimeoutError' ? 'no answer in 30 s' : 'not reachable';
    }
    if (Date.now() + pause > giveUp) throw new Failure(`${new URL(url).host}: ${why}. Gave up.`);
    // A hiccup is nobody's business, an outage is.
    if (attempt >= 2) onWait?.(why);
    await sleep(pause);
  }
};

export type SendOptions = {
  connections: ReadonlyMap<ConnectionKey, Connection>;
  deliveries: readonly Delivery[];
  concurrency: number;
  /** Called just before a delivery goes out. */
  before?: (delivery: Delivery) => void;
  onSent?: (sent: number) => void;
  onWait?: (why: string) => void;
};

/** Sends everything, a few at a time, and answers with what was refused for good. */
export const send = async ({
  connections,
  deliveries,
  concurrency,
  before,
  onSent,
  onWait,
}: SendOptions): Promise<Refused[]> => {
  const refused: Refused[] = [];
  const queue = deliveries.values();
  let sent = 0;
  const worker = async (): Promise<void> => {
    for (const delivery of queue) {
      const connection = connections.get(delivery.connection);
      if (!connection) throw new Error(`No connection: ${delivery.connection}`);
      before?.(delivery);
      const answer = await patiently(
        connection.hookUrl,
        () => ({
          method: 'POST',
          body: delivery.body,
          headers: { ...delivery.headers, ...signature(connection, delivery) },
        }),
        onWait && { onWait },
      );
      if (!answer.ok) {
        refused.push({ delivery, status: answer.status, text: answer.text });
        if (refused.length >= 20 && refused.length > sent / 2)
          throw new Failure(
            `Most deliveries are refused: ${connection.name} answered ${answer.status} ${answer.text.slice(0, 200)}`,
          );
      }
      onSent?.(++sent);
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, concurrency) }, worker));
  return refused;
};

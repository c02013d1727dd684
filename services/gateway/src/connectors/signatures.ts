import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { ConnectionKind } from '@throughline/contracts';
import { cloudEvents } from './cloudevents.ts';
import { Unmappable } from './connector.ts';

/** Header names are lower-case. */
export type Headers = Readonly<Record<string, string>>;

/** `missing`: the message does not say who sent it. `wrong`: what it says does not hold. */
export type Verdict = 'ok' | 'missing' | 'wrong';

export type Auth = { basic: { user: string; password: string } } | { bearer: string };

/** What a connection shares with its source. */
export type Credentials = { secret?: string | undefined; auth?: Auth | undefined };

/** Standard Webhooks: how old, or how far ahead, a signed timestamp may be. */
export const toleranceSeconds = 5 * 60;

/** Both spellings of a Shopify header: `X-Shopify-Topic`, and `Shopify-Topic` since 2026. */
export const shopifyHeader = (headers: Headers, name: string): string | undefined =>
  headers[`x-shopify-${name}`] ?? headers[`shopify-${name}`];

/**
 * Whether the message comes from whom the connection trusts. Compares in constant time. A connection without credentials
 * trusts nobody; one with a secret and `auth` asks for both.
 *
 * @param rawBody the bytes as they came: what was parsed and written anew has another signature
 */
export function verify(
  kind: ConnectionKind,
  { secret, auth }: Credentials,
  headers: Headers,
  rawBody: Buffer,
  now: Date,
): Verdict {
  switch (kind) {
    case 'shopify':
      return base64Hmac(secret, shopifyHeader(headers, 'hmac-sha256'), rawBody);
    case 'woocommerce':
      return base64Hmac(secret, headers['x-wc-webhook-signature'], rawBody);
    case 'stripe':
      return stripe(secret, headers['stripe-signature'], rawBody, now);
    case 'sap':
    case 'cloudevents':
    case 'json': {
      const verdicts = [
        ...(auth ? [authorization(auth, headers['authorization'])] : []),
        ...(secret ? [standardWebhook(secret, headers, rawBody, now)] : []),
      ];
      return verdicts.find((verdict) => verdict !== 'ok') ?? (verdicts.length > 0 ? 'ok' : 'wrong');
    }
    case 'kafka':
      // Comes from a topic, never through the door.
      return 'wrong';
  }
}

/** Equal texts, in a time that does not tell where they differ. */
function same(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

const hmac = (key: string | Buffer, ...parts: (string | Buffer)[]) =>
  parts.reduce((hash, part) => hash.update(part), createHmac('sha256', key));

function base64Hmac(secret: string | undefined, given: string | undefined, rawBody: Buffer): Verdict {
  if (!given) return 'missing';
  return secret && same(given.trim(), hmac(secret, rawBody).digest('base64')) ? 'ok' : 'wrong';
}

function recent(timestamp: string, now: Date): boolean {
  return /^\d{1,12}$/.test(timestamp) && Math.abs(now.getTime() / 1000 - Number(timestamp)) <= toleranceSeconds;
}

function stripe(secret: string | undefined, given: string | undefined, rawBody: Buffer, now: Date): Verdict {
  if (!given) return 'missing';
  const parts = given.split(',').map((part) => part.trim().split('=') as [string, string?]);
  const timestamp = parts.find(([name]) => name === 't')?.[1] ?? '';
  if (!secret || !recent(timestamp, now)) return 'wrong';
  const expected = hmac(secret, `${timestamp}.`, rawBody).digest('hex');
  return parts.some(([name, value]) => name === 'v1' && same(value ?? '', expected)) ? 'ok' : 'wrong';
}

function authorization(auth: Auth, given: string | undefined): Verdict {
  const [, scheme = '', credentials = ''] = /^(\w+) +(\S+)\s*$/.exec(given ?? '') ?? [];
  if (!given) return 'missing';
  if ('bearer' in auth)
    return auth.bearer && scheme.toLowerCase() === 'bearer' && same(credentials, auth.bearer) ? 'ok' : 'wrong';
  const { user, password } = auth.basic;
  const shown = Buffer.from(credentials, 'base64').toString('utf8');
  return password && scheme.toLowerCase() === 'basic' && same(shown, `${user}:${password}`) ? 'ok' : 'wrong';
}

const standardKey = (secret: string): Buffer => Buffer.from(secret.replace(/^whsec_/, ''), 'base64');

function standardWebhook(secret: string, headers: Headers, rawBody: Buffer, now: Date): Verdict {
  const id = headers['webhook-id'];
  const timestamp = headers['webhook-timestamp'];
  const given = headers['webhook-signature'];
  if (!id || !timestamp || !given) return 'missing';
  const key = standardKey(secret);
  if (key.length === 0 || !recent(timestamp, now)) return 'wrong';
  const expected = `v1,${hmac(key, `${id}.${timestamp}.`, rawBody).digest('base64')}`;
  // Several while a secret is being changed.
  return given.split(' ').some((signature) => same(signature, expected)) ? 'ok' : 'wrong';
}

// The sending side, for tests and the demo. Each answers with the headers to add.

export const signShopify = (secret: string, body: string | Buffer): Record<string, string> => ({
  'x-shopify-hmac-sha256': hmac(secret, body).digest('base64'),
});

export const signWooCommerce = (secret: string, body: string | Buffer): Record<string, string> => ({
  'x-wc-webhook-signature': hmac(secret, body).digest('base64'),
});

export function signStripe(secret: string, body: string | Buffer, at: Date): Record<string, string> {
  const timestamp = String(Math.floor(at.getTime() / 1000));
  return { 'stripe-signature': `t=${timestamp},v1=${hmac(secret, `${timestamp}.`, body).digest('hex')}` };
}

export function signAuthorization(auth: Auth): Record<string, string> {
  if ('bearer' in auth) return { authorization: `Bearer ${auth.bearer}` };
  const { user, password } = auth.basic;
  return { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` };
}

/** @param id of the message; a repeated attempt keeps it */
export function signStandardWebhook(
  secret: string,
  id: string,
  body: string | Buffer,
  at: Date,
): Record<string, string> {
  const timestamp = String(Math.floor(at.getTime() / 1000));
  return {
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': `v1,${hmac(standardKey(secret), `${id}.${timestamp}.`, body).digest('base64')}`,
  };
}

/**
 * What two deliveries of one message have in common, and no two messages of a connection: the source's own id, else the
 * hash of the body.
 */
export function deliveryId(kind: ConnectionKind, headers: Headers, body: string | Buffer): string {
  return ownId(kind, headers, body) ?? `sha256:${createHash('sha256').update(body).digest('hex')}`;
}

function ownId(kind: ConnectionKind, headers: Headers, body: string | Buffer): string | undefined {
  switch (kind) {
    case 'shopify':
      return shopifyHeader(headers, 'webhook-id');
    case 'woocommerce': {
      // The delivery's id alone is one of a log that each webhook of a shop has for itself.
      const webhook = headers['x-wc-webhook-id'];
      const delivery = headers['x-wc-webhook-delivery-id'];
      return webhook && delivery ? `${webhook}:${delivery}` : undefined;
    }
    case 'stripe':
      return /^\s*\{\s*"id"\s*:\s*"(evt_\w+)"/.exec(body.toString())?.[1];
    case 'sap':
    case 'cloudevents':
    case 'kafka':
      return eventId(headers, body) ?? headers['webhook-id'];
    case 'json':
      return headers['webhook-id'] ?? eventId(headers, body);
  }
}

/** CloudEvents: `source` and `id` together. A batch of several has no id of its own. */
function eventId(headers: Headers, body: string | Buffer): string | undefined {
  try {
    const [event, ...others] = cloudEvents(headers, body.toString()) ?? [];
    // No source holds a space: it is a URI reference.
    return event && others.length === 0 ? `${event.source} ${event.id}` : undefined;
  } catch (error) {
    if (error instanceof Unmappable) return undefined;
    throw error;
  }
}

export type Answer = { status: number; headers?: Record<string, string> };

/** Requests a minute that a CloudEvents source may send when it asks how many. */
const ratePerMinute = 6_000;

/**
 * The answer to what a source sends before its first message, undefined for an ordinary delivery. To be asked before the
 * signature is checked: these messages have none.
 */
export function handshake(
  kind: ConnectionKind,
  method: string,
  headers: Headers,
  body: string | Buffer,
): Answer | undefined {
  switch (kind) {
    case 'woocommerce': {
      // Sent when a webhook is saved. Anything but 200 and the shop does not switch it on.
      const isForm = headers['content-type']?.toLowerCase().startsWith('application/x-www-form-urlencoded') ?? false;
      const isPing = isForm && body.length < 100 && /^webhook_id=\d+$/.test(body.toString().trim());
      return method === 'POST' && isPing ? { status: 200 } : undefined;
    }
    case 'sap':
    case 'cloudevents':
    case 'json': {
      if (method !== 'OPTIONS') return undefined;
      const allow = { allow: 'OPTIONS, POST' };
      const origin = headers['webhook-request-origin'];
      // Without an origin nobody asks for leave: the headers that would give it stay away.
      if (!origin) return { status: 200, headers: allow };
      const asked = headers['webhook-request-rate'] ?? '';
      const rate = /^[1-9]\d{0,8}$/.test(asked) ? Math.min(Number(asked), ratePerMinute) : ratePerMinute;
      return {
        status: 200,
        headers: { ...allow, 'webhook-allowed-origin': origin, 'webhook-allowed-rate': String(rate) },
      };
    }
    case 'shopify':
    case 'stripe':
    case 'kafka':
      return undefined;
  }
}

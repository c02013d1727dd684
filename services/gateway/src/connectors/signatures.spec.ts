import {
  deliveryId,
  handshake,
  signAuthorization,
  signShopify,
  signStandardWebhook,
  signStripe,
  signWooCommerce,
  verify,
} from './signatures.ts';

const now = new Date('2026-03-31T08:15:00Z');
const body = Buffer.from('{"id":9007199254740993,"name":"王小明 🍵"}');
const touched = Buffer.from('{"id":9007199254740993, "name":"王小明 🍵"}');
const secret = 'hush';
const whsec = `whsec_${Buffer.from('0123456789abcdef01234567').toString('base64')}`;

describe('a signature', () => {
  it('of Shopify holds under both spellings of the header', () => {
    const headers = signShopify(secret, body);
    expect(verify('shopify', { secret }, headers, body, now)).toBe('ok');
    const renamed = { 'shopify-hmac-sha256': headers['x-shopify-hmac-sha256']! };
    expect(verify('shopify', { secret }, renamed, body, now)).toBe('ok');
  });
  it('is the base64 of the HMAC-SHA256 of the raw bytes', () => {
    // echo -n '{}' | openssl dgst -sha256 -hmac hush -binary | base64
    expect(signShopify('hush', '{}')).toEqual({
      'x-shopify-hmac-sha256': 'UFwgrGBPZilFtmKh8TqcovA78LGYb1BdWu9I4Q2oyRg=',
    });
  });
  it('does not survive a body that was written anew, nor another secret', () => {
    const headers = signWooCommerce(secret, body);
    expect(verify('woocommerce', { secret }, headers, body, now)).toBe('ok');
    expect(verify('woocommerce', { secret }, headers, touched, now)).toBe('wrong');
    expect(verify('woocommerce', { secret: 'other' }, headers, body, now)).toBe('wrong');
  });
  it.each(['shopify', 'woocommerce', 'stripe', 'sap', 'cloudevents', 'json'] as const)(
    'of %s can be missing',
    (kind) => {
      expect(verify(kind, { secret: whsec }, {}, body, now)).toBe('missing');
    },
  );
  it('is never right for a connection without credentials', () => {
    expect(verify('shopify', {}, signShopify('', body), body, now)).toBe('wrong');
    expect(verify('woocommerce', { secret: '' }, signWooCommerce('', body), body, now)).toBe('wrong');
    expect(verify('sap', {}, signAuthorization({ bearer: '' }), body, now)).toBe('wrong');
    expect(
      verify('sap', { auth: { basic: { user: '', password: '' } } }, { authorization: 'Basic Og==' }, body, now),
    ).toBe('wrong');
    expect(verify('json', {}, {}, body, now)).toBe('wrong');
    expect(verify('json', { secret: 'whsec_' }, signStandardWebhook('whsec_', 'msg_1', body, now), body, now)).toBe(
      'wrong',
    );
    expect(verify('kafka', { secret }, {}, body, now)).toBe('wrong');
  });
  it('of SAP and CloudEvents is basic or bearer', () => {
    const basic = { auth: { basic: { user: 'EVENT_MESH', password: 'pä:ss' } } };
    expect(verify('sap', basic, signAuthorization(basic.auth), body, now)).toBe('ok');
    expect(
      verify('sap', basic, signAuthorization({ basic: { user: 'EVENT_MESH', password: 'pass' } }), body, now),
    ).toBe('wrong');
    const bearer = { auth: { bearer: 'token-123' } };
    expect(verify('cloudevents', bearer, { authorization: 'bearer token-123' }, body, now)).toBe('ok');
    expect(verify('cloudevents', bearer, { authorization: 'Bearer token-1234' }, body, now)).toBe('wrong');
    expect(verify('cloudevents', bearer, { authorization: 'Basic token-123' }, body, now)).toBe('wrong');
    expect(verify('sap', basic, { authorization: 'Bearer x' }, body, now)).toBe('wrong');
  });
  it('and authorization are both asked for where both are set', () => {
    const both = { secret: whsec, auth: { bearer: 'token' } };
    const signed = signStandardWebhook(whsec, 'msg_1', body, now);
    expect(verify('json', both, { ...signed, authorization: 'Bearer token' }, body, now)).toBe('ok');
    expect(verify('json', both, signed, body, now)).toBe('missing');
    expect(verify('json', both, { ...signed, authorization: 'Bearer other' }, body, now)).toBe('wrong');
  });

  describe('of Standard Webhooks', () => {
    it('is that of the specification', () => {
      const example = signStandardWebhook(
        'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
        'msg_p5jXN8AQM9LWM0D4loKWxJek',
        '{"test": 2432232314}',
        new Date(1_614_265_330_000),
      );
      expect(example['webhook-signature']).toBe('v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=');
    });
    it('may be one of several', () => {
      const headers = signStandardWebhook(whsec, 'msg_1', body, now);
      const several = { ...headers, 'webhook-signature': `v1,AAAA v1a,BBBB ${headers['webhook-signature']}` };
      expect(verify('json', { secret: whsec }, several, body, now)).toBe('ok');
    });
    it.each([
      [-300, 'ok'],
      [300, 'ok'],
      [-301, 'wrong'],
      [301, 'wrong'],
    ])('holds five minutes: %i s are %s', (seconds, verdict) => {
      const headers = signStandardWebhook(whsec, 'msg_1', body, new Date(now.getTime() + seconds * 1000));
      expect(verify('json', { secret: whsec }, headers, body, now)).toBe(verdict);
    });
    it('covers id and time', () => {
      const headers = signStandardWebhook(whsec, 'msg_1', body, now);
      const other = { ...headers, 'webhook-id': 'msg_2' };
      expect(verify('json', { secret: whsec }, other, body, now)).toBe('wrong');
      const later = { ...headers, 'webhook-timestamp': String(Number(headers['webhook-timestamp']) + 1) };
      expect(verify('json', { secret: whsec }, later, body, now)).toBe('wrong');
      expect(verify('json', { secret: whsec }, { ...headers, 'webhook-timestamp': 'NaN' }, body, now)).toBe('wrong');
    });
  });
  it('of Stripe covers the time', () => {
    const headers = signStripe(secret, body, now);
    expect(verify('stripe', { secret }, headers, body, now)).toBe('ok');
    expect(verify('stripe', { secret }, headers, body, new Date(now.getTime() + 301_000))).toBe('wrong');
    expect(verify('stripe', { secret }, headers, touched, now)).toBe('wrong');
  });
});

describe('the id of a delivery', () => {
  it('is the source’s own', () => {
    expect(deliveryId('shopify', { 'x-shopify-webhook-id': 'a-1' }, body)).toBe('a-1');
    expect(deliveryId('shopify', { 'shopify-webhook-id': 'a-1' }, body)).toBe('a-1');
    expect(deliveryId('woocommerce', { 'x-wc-webhook-id': '142', 'x-wc-webhook-delivery-id': '7' }, body)).toBe(
      '142:7',
    );
    expect(deliveryId('json', { 'webhook-id': 'msg_1' }, body)).toBe('msg_1');
    expect(deliveryId('stripe', {}, '{\n  "id": "evt_1", "object": "event"}')).toBe('evt_1');
  });
  it('is source and id of a CloudEvent, in either mode', () => {
    const event = { specversion: '1.0', type: 't', source: '/s', id: '1', data: { a: 1 } };
    const structured = deliveryId('sap', { 'content-type': 'application/cloudevents+json' }, JSON.stringify(event));
    const binary = deliveryId(
      'sap',
      { 'ce-specversion': '1.0', 'ce-type': 't', 'ce-source': '/s', 'ce-id': '1' },
      '{"a":1}',
    );
    expect(structured).toBe('/s 1');
    expect(binary).toBe(structured);
  });
  it('is else the hash of the body', () => {
    const hash = deliveryId('shopify', {}, body);
    expect(hash).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(deliveryId('shopify', {}, body)).toBe(hash);
    expect(deliveryId('shopify', {}, touched)).not.toBe(hash);
    expect(deliveryId('cloudevents', {}, 'not json')).toMatch(/^sha256:/);
    expect(deliveryId('woocommerce', { 'x-wc-webhook-delivery-id': '7' }, body)).toMatch(/^sha256:/);
  });
});

describe('a handshake', () => {
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  it('answers the ping of WooCommerce', () => {
    expect(handshake('woocommerce', 'POST', form, 'webhook_id=142')).toEqual({ status: 200 });
    expect(handshake('woocommerce', 'POST', form, 'webhook_id=142&total=1')).toBeUndefined();
    expect(handshake('woocommerce', 'POST', { 'content-type': 'application/json' }, 'webhook_id=142')).toBeUndefined();
    expect(handshake('shopify', 'POST', form, 'webhook_id=142')).toBeUndefined();
  });
  it('gives CloudEvents leave to send', () => {
    const asked = { 'webhook-request-origin': 'eventemitter.example.com', 'webhook-request-rate': '120' };
    expect(handshake('sap', 'OPTIONS', asked, '')).toEqual({
      status: 200,
      headers: {
        allow: 'OPTIONS, POST',
        'webhook-allowed-origin': 'eventemitter.example.com',
        'webhook-allowed-rate': '120',
      },
    });
    const much = handshake('cloudevents', 'OPTIONS', { ...asked, 'webhook-request-rate': '999999' }, '');
    expect(much?.headers?.['webhook-allowed-rate']).toBe('6000');
    expect(handshake('cloudevents', 'OPTIONS', {}, '')).toEqual({ status: 200, headers: { allow: 'OPTIONS, POST' } });
    expect(handshake('cloudevents', 'POST', asked, '{}')).toBeUndefined();
  });
});

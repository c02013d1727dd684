import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { CustomerFields, SourceStamp } from '@throughline/contracts';
import { newId, recordId } from '@throughline/event-sourcing';
import { eventually, startTestService, type Reply, type TestService } from '@throughline/service/testing';
import { CustomersModule } from '../src/customers.module.ts';

let service: TestService;
beforeAll(async () => {
  service = await startTestService(CustomersModule, { listensTo: ['gateway'] });
});
afterAll(() => service.end());

const zhang = {
  name: '张三',
  emails: [{ value: 'zhang.san@example.cn', primary: true }],
  phones: [{ value: '138 0013 8000' }],
};
const create = async (body: object = {}) =>
  (await service.call('POST', '/api/customers', { name: 'Zoë', ...body })).body;
const connection = newId();

describe('the customers service', () => {
  it('creates a customer with a number, a normal form of the phone, an ETag and a Location', async () => {
    const { status, headers, body } = await service.call('POST', '/api/customers', zhang);
    expect(status).toBe(201);
    expect(body).toMatchObject({ name: '张三', number: expect.stringMatching(/^C-\d{6}$/), archived: false });
    expect(body.phones).toEqual([{ value: '138 0013 8000', e164: '+8613800138000' }]);
    expect(headers.get('etag')).toBe('"1"');
    expect(headers.get('location')).toBe(`/api/customers/${body.id}`);
    expect(headers.get('x-position')).toMatch(/^customers@\d+$/);
  });

  it('refuses a request without a token, and one with a wrong token', async () => {
    expect((await service.call('GET', `/api/customers/${newId()}`, undefined, { authorization: '' })).status).toBe(401);
    const wrong = await service.call('GET', `/api/customers/${newId()}`, undefined, {
      authorization: 'Bearer nonsense',
    });
    expect(wrong).toMatchObject({ status: 401, body: { code: 'unauthorised' } });
  });

  it('names every field that is wrong, in the language of the caller', async () => {
    const shape = await service.call(
      'POST',
      '/api/customers',
      { name: 5, colour: 'red', emails: [{}] },
      { 'accept-language': 'zh-CN' },
    );
    expect(shape.status).toBe(400);
    expect(shape.headers.get('content-type')).toContain('application/problem+json');
    expect(shape.body.errors.map(({ path, code }: any) => `${path} ${code}`).sort()).toEqual([
      'colour unknown-field',
      'emails.0.value required',
      'name wrong-type',
    ]);
    expect(shape.body.title).toBe('请求的格式不正确。');
    const meaning = await service.call('POST', '/api/customers', {
      emails: [{ value: 'nobody' }],
      birthDate: '2025-02-30',
    });
    expect(meaning.status).toBe(422);
    expect(meaning.body.errors.map(({ path }: any) => path)).toEqual(['name', 'emails.0.value', 'birthDate']);
  });

  it('answers unreadable JSON with 400, a body too large with 413 and an unknown address with 404', async () => {
    expect(await service.call('POST', '/api/customers', '{"name": ')).toMatchObject({
      status: 400,
      body: { code: 'unreadable-json' },
    });
    const large = JSON.stringify({ name: 'x'.repeat(1_100_000) });
    expect(await service.call('POST', '/api/customers', large)).toMatchObject({
      status: 413,
      body: { code: 'too-large' },
    });
    expect(await service.call('GET', '/api/nothing')).toMatchObject({ status: 404, body: { code: 'not-found' } });
  });

  it('says which methods an address knows, and passes over a slash at its end', async () => {
    const { id } = await create();
    for (const [method, path, allow] of [
      ['PUT', `/api/customers/${id}`, 'DELETE, GET, HEAD, PATCH'],
      ['OPTIONS', `/api/customers/${id}/archive/`, 'POST'],
      ['PATCH', '/api/customers/by/email/a@example.com', 'GET, HEAD, PUT'],
    ] as const) {
      const refused = await service.call(method, path);
      expect([refused.status, refused.body.code, refused.headers.get('allow')]).toEqual([
        405,
        'method-not-allowed',
        allow,
      ]);
    }
    expect((await service.call('GET', `/api/customers/${id}/`)).body.id).toBe(id);
    expect((await service.call('POST', '/api/customers/', { name: 'Slash' })).status).toBe(201);
    expect((await service.call('PUT', '/api/nothing')).status).toBe(404);
  });

  it('says as a problem what no route was found for', async () => {
    const problem = async (path: string, headers = {}) => {
      const { status, body, headers: answered } = await service.call('GET', path, undefined, headers);
      expect(answered.get('content-type')).toContain('application/problem+json');
      return [status, body.code];
    };
    expect(await problem('/api/customers/by/email/%FF')).toEqual([400, 'unreadable-url']);
    expect(await problem(`/api/customers/by/email/${'x'.repeat(501)}`)).toEqual([414, 'url-too-long']);
    expect(await problem(`/api/customers?q=${'x'.repeat(20_000)}`)).toEqual([431, 'headers-too-large']);
    const raw = await new Promise<string>((resolve, reject) => {
      const { hostname, port } = new URL(service.url);
      let text = '';
      const socket = connect(Number(port), hostname, () => socket.write('GET / HTTP/1.1\r\nbad header\r\n\r\n'));
      socket.on('data', (chunk) => (text += String(chunk))).on('close', () => resolve(text));
      socket.on('error', reject);
    });
    expect(raw).toMatch(/^HTTP\/1\.1 400 .*application\/problem\+json.*"code":"unreadable-request"/s);
  });

  it('refuses an X-After that nobody gave it', async () => {
    const after = async (value: string) => {
      const { status, body } = await service.call('GET', '/api/nothing', undefined, { 'x-after': value });
      return [status, body.code];
    };
    for (const value of ['12', 'sales@', 'sales@x', 'moon@1', 'customers@1;sales@2', 'sales@1234567890123456'])
      expect([value, ...(await after(value))]).toEqual([value, 400, 'unreadable-position']);
    for (const value of ['', 'customers@1', 'customers@1, sales@2'])
      expect([value, ...(await after(value))]).toEqual([value, 404, 'not-found']);
  });

  it('changes only what is named, and clears by null', async () => {
    const { id } = await create({ title: 'CEO', industry: 'retail' });
    await service.call('PATCH', `/api/customers/${id}`, { title: null, type: 'new' });
    const { body } = await service.call('GET', `/api/customers/${id}`);
    expect(body).toMatchObject({ name: 'Zoë', industry: 'retail', type: 'new', version: 2 });
    expect(body.title).toBeUndefined();
  });

  it('takes an empty text for none, so that another record’s value stands in a merge', async () => {
    const empty = {
      industry: '',
      title: ' ',
      source: '',
      custom: { memo: '' },
    };
    const one = await create({ ...empty, name: '', givenName: '三', familyName: '张' });
    expect(one).toMatchObject({ name: '张三', source: 'manual' });
    const two = await create({ industry: '化工', title: '经理', custom: { memo: '重要' } });
    const { body: merged } = await service.call('POST', `/api/customers/${one.id}/merge`, { absorb: [two.id] });
    expect(merged).toMatchObject({ industry: '化工', title: '经理', custom: { memo: '重要' } });
    const { body: cleared } = await service.call('PATCH', `/api/customers/${two.id}`, {
      industry: '',
      custom: { memo: '' },
    });
    expect([cleared.industry, cleared.custom]).toEqual([undefined, undefined]);
    const nameless = await service.call('PATCH', `/api/customers/${one.id}`, { name: '' });
    expect(nameless.body.errors).toMatchObject([{ path: 'name', code: 'required' }]);
  });

  it('lets two people change different fields, and tells the second one of the same field what happened', async () => {
    const { id } = await create();
    const change = (body: object) => service.call('PATCH', `/api/customers/${id}`, body, { 'if-match': '"1"' });
    expect((await change({ title: 'CTO' })).status).toBe(200);
    expect((await change({ industry: 'toys' })).status).toBe(200);
    const lost = await change({ title: 'CFO' });
    expect(lost).toMatchObject({
      status: 412,
      body: { conflicts: [{ field: 'title', mine: 'CFO', theirs: 'CTO', original: null }] },
    });
  });

  it('holds a verb against the version that was seen, except an erasure', async () => {
    const { id } = await create();
    await service.call('PATCH', `/api/customers/${id}`, { title: 'CTO' });
    const verb = (name: string, etag: string) =>
      service.call('POST', `/api/customers/${id}/${name}`, undefined, { 'if-match': etag });
    expect(await verb('archive', '"1"')).toMatchObject({
      status: 412,
      body: { code: 'record-changed', conflicts: [] },
    });
    expect((await verb('archive', '"2"')).status).toBe(200);
    expect((await verb('erase', '"1"')).status).toBe(202);
  });

  it('gives one of fifty parallel creates the e-mail, and 49 a conflict that says who has it', async () => {
    const body = { name: 'Same', emails: [{ value: 'Same@Example.com' }] };
    const replies = await Promise.all(Array.from({ length: 50 }, () => service.call('POST', '/api/customers', body)));
    const created = replies.filter(({ status }) => status === 201);
    const refused = replies.filter(({ status }) => status === 409);
    expect([created.length, refused.length]).toEqual([1, 49]);
    expect(refused[0]?.body).toMatchObject({ code: 'email-taken', holder: created[0]?.body.id });
  });

  it('frees the e-mail when archived, and says who has it when it cannot be restored', async () => {
    const emails = [{ value: 'moving@example.com' }];
    const { id } = await create({ emails });
    await service.call('DELETE', `/api/customers/${id}`);
    const second = await create({ emails });
    expect(second.id).toBeDefined();
    expect(await service.call('POST', `/api/customers/${id}/restore`)).toMatchObject({
      status: 409,
      body: { holder: second.id },
    });
  });

  it('answers the same Idempotency-Key with the first answer', async () => {
    const send = (name: string) => service.call('POST', '/api/customers', { name }, { 'idempotency-key': 'once' });
    const [first, second, other] = [await send('A'), await send('A'), await send('B')];
    expect(second.body).toEqual(first.body);
    expect(other).toMatchObject({ status: 422, body: { code: 'idempotency-key-reused' } });
  });

  it('has one primary entry in each list, the first that says so, and each e-mail once', async () => {
    const { body: made } = await service.call('POST', '/api/customers', {
      name: '王伟',
      phones: [
        { value: '138 0013 8101', primary: true },
        { value: '138 0013 8102', primary: true, label: 'work' },
      ],
      emails: [
        { value: 'Wei.Once@Primary.example', label: 'work' },
        { value: 'other@primary.example' },
        { value: ' wei.once@PRIMARY.example', primary: true },
        { value: '  last@primary.example' },
      ],
    });
    expect(made.phones.map(({ primary, label }: any) => [primary, label])).toEqual([
      [true, undefined],
      [undefined, 'work'],
    ]);
    const once = [
      { value: 'Wei.Once@primary.example', label: 'work', primary: true },
      { value: 'other@primary.example' },
      { value: 'last@primary.example' },
    ];
    expect(made.emails).toEqual(once);
    const { items } = (await service.call('GET', `/api/customers/${made.id}/history`)).body;
    expect(items[0].data.corrections.map(({ path }: any) => path)).toEqual(['emails.0.value', 'emails.2.value']);
    const again = await service.call('PATCH', `/api/customers/${made.id}`, {
      emails: [...once, { value: 'OTHER@primary.example', primary: true }],
    });
    expect(again.body).toMatchObject({ version: 1, emails: once });
  });

  it('tells how a customer was at any time, and who did what', async () => {
    const { id } = await create();
    await new Promise((resolve) => setTimeout(resolve, 5));
    const between = new Date().toISOString();
    await new Promise((resolve) => setTimeout(resolve, 5));
    await service.call('PATCH', `/api/customers/${id}`, { name: 'Renamed' });
    const read = async (query: string) => (await service.call('GET', `/api/customers/${id}${query}`)).body.name;
    expect([await read(''), await read(`?asOf=${between}`), await read(`?knownAt=${between}`)]).toEqual([
      'Renamed',
      'Zoë',
      'Zoë',
    ]);
    expect((await service.call('GET', `/api/customers/${id}?asOf=2001-01-01T00:00:00Z`)).status).toBe(404);
    expect((await service.call('GET', `/api/customers/${id}?asOf=9999-12-31T23:59:59.999Z`)).status).toBe(200);
    for (const moment of ['yesterday', '2026-03-01', '2026-03-01T10:20:30', '2026-03-01T10:20:30+08:00']) {
      for (const name of ['asOf', 'knownAt']) {
        const { status, body: problem } = await service.call('GET', `/api/customers/${id}?${name}=${moment}`);
        const form = [{ path: name, code: 'not-an-instant', message: expect.stringContaining('RFC 3339') }];
        expect([moment, status, problem.errors]).toMatchObject([moment, 400, form]);
      }
    }
    for (const moment of [
      '9999-12-31T23:59:59-01:00',
      '0001-01-01T00:00:00%2B14:00',
      '0000-06-01T00:00:00Z',
      '2016-12-31T23:59:60Z',
      '2025-02-30T00:00:00Z',
    ]) {
      for (const name of ['asOf', 'knownAt']) {
        const { status, body: problem } = await service.call('GET', `/api/customers/${id}?${name}=${moment}`);
        expect([moment, status, problem.errors]).toMatchObject([
          moment,
          400,
          [{ path: name, code: 'impossible-date' }],
        ]);
      }
    }
    const { body } = await service.call('GET', `/api/customers/${id}/history`);
    expect(body.items.map(({ type, actor, source }: any) => [type, actor.type, source])).toEqual([
      ['CustomerCreated', 'user', 'web'],
      ['CustomerDetailsChanged', 'user', 'web'],
    ]);
  });

  it('passes over a number that somebody chose before', async () => {
    const { number } = await create();
    const next = `C-${String(Number(number.slice(2)) + 1).padStart(6, '0')}`;
    expect((await create({ number: next })).number).toBe(next);
    expect((await create()).number).not.toBe(next);
    expect(await service.call('POST', '/api/customers', { name: 'Again', number: next })).toMatchObject({
      status: 409,
      body: { code: 'number-taken' },
    });
  });

  it('finds and upserts by number and by e-mail', async () => {
    const made = await service.call('PUT', '/api/customers/by/email/upsert@example.com', { name: 'Upserted' });
    expect([made.status, made.headers.get('location')]).toEqual([201, `/api/customers/${made.body.id}`]);
    const again = await service.call('PUT', '/api/customers/by/email/Upsert@Example.com', { title: 'Dr.' });
    expect([again.status, again.headers.get('location')]).toEqual([200, null]);
    expect(again.body).toMatchObject({ id: made.body.id, name: 'Upserted', title: 'Dr.' });
    const found = await service.call('GET', `/api/customers/by/number/${made.body.number}`);
    expect(found.body.id).toBe(made.body.id);
  });

  it('takes numbers that differ only by case for one, and shows them as they were given', async () => {
    const batch = async (...operations: object[]) =>
      (await service.call('POST', '/api/customers/batch', { operations })).body.items;
    for (const [number, other] of [
      ['CASE-1', 'case-1'],
      ['case-2', 'Case-2'],
    ] as const) {
      const { id } = await create({ number });
      expect(await service.call('POST', '/api/customers', { name: 'Again', number: other })).toMatchObject({
        status: 409,
        body: { code: 'number-taken', holder: id },
      });
      expect((await service.call('GET', `/api/customers/by/number/${other}`)).body).toMatchObject({ id, number });
      const upsert = await service.call('PUT', `/api/customers/by/number/${other}`, { title: 'CEO' });
      expect([upsert.status, upsert.body.id, upsert.body.number]).toEqual([200, id, number]);
      expect(await batch({ op: 'update', key: `number/${other}`, data: { title: 'CTO' } })).toMatchObject([{ id }]);
      expect(await batch({ op: 'create', data: { name: 'Again', number: other } })).toMatchObject([
        { status: 409, problem: { code: 'number-taken' } },
      ]);
      const { body } = await service.call('POST', '/api/customers/check', { name: 'Again', number: other });
      expect(body.errors).toMatchObject([{ path: 'number', code: 'number-taken' }]);
      await service.call('POST', `/api/customers/${id}/archive`);
      expect((await service.call('POST', '/api/customers', { name: 'Again', number: other })).status).toBe(409);
    }
    const both = ['case-3', 'CASE-3'].map((number) => ({ op: 'upsert', key: `number/${number}`, data: { name: 'C' } }));
    for (const allOrNone of [true, false]) {
      const { body } = await service.call('POST', '/api/customers/batch', { operations: both, allOrNone });
      expect(new Set(body.items.map(({ id }: any) => id)).size).toBe(1);
    }
    const next = `c-${String(Number((await create()).number.slice(2)) + 1).padStart(6, '0')}`;
    await create({ number: next });
    expect((await create()).number).not.toBe(next.toUpperCase());
  });

  it('merges custom fields one by one', async () => {
    const { id } = await create({ custom: { a: 1, b: { c: 2 } } });
    const patch = { custom: { b: { d: 3 }, a: null } };
    const type = { 'content-type': 'application/merge-patch+json' };
    const { status, body } = await service.call('PATCH', `/api/customers/${id}`, patch, type);
    expect([status, body.custom]).toEqual([200, { b: { c: 2, d: 3 } }]);
  });

  it('merges what is said in parts one by one, and clears what has none left', async () => {
    const { id } = await create({
      servicePreference: { channel: 'phone', times: '9-12' },
      review: { satisfaction: 3, suggestion: '快一点' },
    });
    const patch = async (changes: object) => (await service.call('PATCH', `/api/customers/${id}`, changes)).body;
    expect(await patch({ servicePreference: { channel: 'email' }, review: { satisfaction: 5 } })).toMatchObject({
      servicePreference: { channel: 'email', times: '9-12' },
      review: { satisfaction: 5, suggestion: '快一点' },
    });
    expect((await patch({ servicePreference: {}, review: { suggestion: null } })).version).toBe(3);
    const { servicePreference, review } = await patch({ servicePreference: { channel: null, times: '' } });
    expect([servicePreference, review]).toEqual([undefined, { satisfaction: 5 }]);
    const { body } = await service.call('POST', `/api/customers/${id}/revert`, { fields: ['review'] });
    expect(body.review).toEqual({ satisfaction: 5, suggestion: '快一点' });
  });

  it('takes 200 custom fields and no more, at once or one by one', async () => {
    const many = (from: number, count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`field${from + index}`, index]));
    const { id } = await create({ custom: many(0, 200) });
    const tooMany = { path: 'custom', code: 'too-many-fields', message: 'has too many fields, at most 200' };
    for (const refused of [
      await service.call('POST', '/api/customers', {
        name: 'x',
        custom: { list: Array.from({ length: 200 }, () => 1) },
      }),
      await service.call('PATCH', `/api/customers/${id}`, { custom: { oneMore: true } }),
    ])
      expect(refused).toMatchObject({ status: 422, body: { errors: [tooMany] } });
    const swapped = await service.call('PATCH', `/api/customers/${id}`, { custom: { oneMore: true, field0: null } });
    expect(swapped.status).toBe(200);
  });

  it('lists a hundred errors and counts the rest, whatever their names are', async () => {
    const wrong = Object.fromEntries(Array.from({ length: 900 }, (_, index) => [`field${index}`, 1]));
    const { status, body } = await service.call('POST', '/api/customers', { ...wrong, ['x'.repeat(300_000)]: 1 });
    expect([status, body.errors.length, body.moreErrors]).toEqual([400, 100, 801]);
    const named = await service.call('POST', '/api/customers', { name: 'x', ['x'.repeat(300_000)]: 1 });
    expect(named.body.errors[0].path).toHaveLength(200);
    for (const body of [
      { name: 'x', custom: Object.fromEntries(Array.from({ length: 1_001 }, (_, index) => [index, 1])) },
      { name: 'x', emails: Array.from({ length: 1_001 }, () => ({})) },
    ])
      expect(await service.call('POST', '/api/customers', body)).toMatchObject({
        status: 400,
        body: { code: 'too-many-members' },
      });
    const emails = Array.from({ length: 900 }, () => ({}));
    expect((await service.call('POST', '/api/customers', { name: 'x', emails })).body.errors).toHaveLength(100);
  });

  it('answers with the lower-case form of the id that the client chose', async () => {
    const id = newId();
    const { status, headers, body } = await service.call('POST', '/api/customers', { id: id.toUpperCase(), name: 'U' });
    expect([status, body.id, headers.get('location')]).toEqual([201, id, `/api/customers/${id}`]);
    expect((await service.call('GET', `/api/customers/${id.toUpperCase()}`)).body).toEqual(body);
    expect((await service.call('POST', '/api/customers', { id, name: 'U' })).status).toBe(409);
  });

  it('says exactly what is wrong with a text, a list and a key', async () => {
    const errors = async (body: object, headers = {}) =>
      (await service.call('POST', '/api/customers', { name: 'x', ...body }, headers)).body.errors.map(
        ({ path, code }: any) => `${path} ${code}`,
      );
    expect(await errors({ tags: 'vip' })).toEqual(['tags wrong-type']);
    expect(await errors({ tags: ['vip', 1] })).toEqual(['tags wrong-type']);
    expect(await errors({ tags: ['vip', ''] })).toEqual(['tags required']);
    expect(await errors({ tags: ['x'.repeat(101)] })).toEqual(['tags too-long']);
    expect(await errors({ tags: Array.from({ length: 201 }, String) })).toEqual(['tags too-many']);
    expect(await errors({ emails: [{ value: '' }] })).toEqual(['emails.0.value required']);
    expect(await errors({}, { 'idempotency-key': '' })).toEqual(['Idempotency-Key required']);
    expect(await errors({}, { 'idempotency-key': 'k'.repeat(256) })).toEqual(['Idempotency-Key too-long']);
  });

  it('upserts by what is unique only, one record however many do it at once', async () => {
    expect((await service.call('PUT', '/api/customers/by/nmuber/C-77', { name: 'Typo' })).status).toBe(404);
    const upserts = Array.from({ length: 10 }, () =>
      service.call('PUT', '/api/customers/by/email/race@example.com', { name: 'Race' }),
    );
    const replies = await Promise.all(upserts);
    expect(new Set(replies.map(({ body }) => body.id)).size).toBe(1);
    expect(replies.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(9);
    const { status, body } = await service.call('PUT', `/api/customers/by/external/${connection}/555`, {
      name: 'First by API',
    });
    expect([status, body]).toMatchObject([
      201,
      {
        id: recordId(connection, '555'),
        externalIds: [{ connectionId: connection, id: '555' }],
      },
    ]);
  });

  it('answers an upsert with the same key once more as the first time, whatever became of the record since', async () => {
    for (const path of ['email/again@example.com', 'number/U-1', `external/${connection}/777`]) {
      const key = { 'idempotency-key': path };
      const put = (body: object, headers = {}) => service.call('PUT', `/api/customers/by/${path}`, body, headers);
      const first = await put({ name: 'First' }, key);
      expect(first.status).toBe(201);
      expect(await put({ name: 'Second' })).toMatchObject({
        status: 200,
        body: { id: first.body.id, name: 'Second', version: 2 },
      });
      const again = await put({ name: 'First' }, key);
      expect([again.status, again.headers.get('location'), again.body]).toEqual([
        201,
        `/api/customers/${first.body.id}`,
        first.body,
      ]);
      expect((await service.call('GET', `/api/customers/${first.body.id}`)).body.name).toBe('Second');
      expect((await put({ name: 'Other' }, key)).body.code).toBe('idempotency-key-reused');
    }
  });

  it('answers upserts that race with keys of their own, and repeats of them', async () => {
    for (const path of ['email/keyed@example.com', `external/${connection}/778`]) {
      const put = (index: number) =>
        service.call(
          'PUT',
          `/api/customers/by/${path}`,
          { name: 'Keyed' },
          { 'idempotency-key': `${path} ${index % 6}` },
        );
      const replies = await Promise.all(Array.from({ length: 12 }, (_, index) => put(index)));
      expect(new Set(replies.map(({ body }) => `${body.code} ${body.id}`)).size).toBe(1);
      const made = replies.flatMap(({ status }, index) => (status === 201 ? [index % 6] : []));
      expect([made.length > 0, new Set(made).size]).toEqual([true, 1]);
      expect(await put(3)).toMatchObject({ status: replies[3]?.status, body: replies[3]?.body });
    }
  });

  it('refuses lists where objects belong, JSON without end, and what is not JSON in UTF-8', async () => {
    const send = (body: unknown, headers = {}) => service.call('POST', '/api/customers', body, headers);
    expect(await send({ name: 'x', emails: [[]] })).toMatchObject({ status: 400, body: { code: 'invalid-request' } });
    expect(await send(`{"name":"x","custom":${'{"a":'.repeat(3_000)}1${'}'.repeat(3_000)}}`)).toMatchObject({
      status: 400,
    });
    expect(await send('name=x', { 'content-type': 'application/x-www-form-urlencoded' })).toMatchObject({
      status: 415,
    });
    expect(await send('{"name":"x"}', { 'content-type': 'application/json; charset=latin1' })).toMatchObject({
      status: 415,
    });
  });

  describe('a customer that a connector has seen', () => {
    const see = (id: string, fields: CustomerFields, stamp: Partial<SourceStamp>) =>
      service.log('gateway').append({ type: 'seen-customer', id }, {
        type: 'CustomerSeen',
        customerId: id,
        ...fields,
        stamp: { rank: 'profile', at: '2026-01-01T00:00:00.000Z', hash: 'h', ...stamp },
      } as never);
    const reading = (id: string) => service.call('GET', `/api/customers/${id}`);

    it('is taken in under its own id, never refused for an e-mail that somebody has', async () => {
      const emails = [{ value: 'shared@example.com' }];
      await create({ emails });
      const id = recordId(connection, '9007199254740993');
      await see(id, { name: '李娜', emails, phones: [{ value: '13900139000' }] }, {});
      const { body } = await eventually(
        () => reading(id),
        ({ status }) => status === 200,
      );
      expect(body).toMatchObject({ name: '李娜', emails, phones: [{ e164: '+8613900139000' }] });
      const { body: history } = await service.call('GET', `/api/customers/${id}/history`);
      expect(history.items[0].effectiveAt).toBe('2026-01-01T00:00:00.000Z');
    });

    it('ends the same whatever order its updates come in, and an older one does not win', async () => {
      const updates = [
        [{ name: 'One', title: 'a' }, { at: '2026-01-01T00:00:00.000Z' }],
        [{ name: 'Two' }, { at: '2026-01-02T00:00:00.000Z' }],
        [{ name: 'One' }, { at: '2026-01-03T00:00:00.000Z' }],
        [
          { name: 'From an order', industry: 'toys' },
          { at: '2026-01-04T00:00:00.000Z', rank: 'contact' },
        ],
      ] as const;
      const ids = [newId(), newId()];
      for (const [fields, stamp] of updates) await see(ids[0] as string, fields, stamp);
      for (const [fields, stamp] of [...updates].reverse()) await see(ids[1] as string, fields, stamp);
      for (const id of ids) {
        const settled = ({ body }: Reply) => body.title === 'a' && body.industry === 'toys' && body.name === 'One';
        await eventually(() => reading(id), settled);
      }
    });

    it('keeps what a person changed since, until the source says something new', async () => {
      const id = newId();
      await see(id, { name: 'Source' }, {});
      await eventually(
        () => reading(id),
        ({ status }) => status === 200,
      );
      await service.call('PATCH', `/api/customers/${id}`, { name: 'Person' });
      await see(id, { name: 'Source', title: 'seen' }, { at: '2026-02-01T00:00:00.000Z' });
      expect(
        (
          await eventually(
            () => reading(id),
            ({ body }) => body.title === 'seen',
          )
        ).body.name,
      ).toBe('Person');
      await see(id, { name: 'New' }, { at: '2026-03-01T00:00:00.000Z' });
      await eventually(
        () => reading(id),
        ({ body }) => body.name === 'New',
      );
    });
  });
});

describe('its description', () => {
  it('is an OpenAPI 3.1 document that says what bodies may hold', async () => {
    const { body } = await service.call('GET', '/openapi.json', undefined, { authorization: '' });
    expect(body.openapi).toBe('3.1.0');
    const schema = body.components.schemas.CreateCustomerDto;
    expect(schema.properties).toMatchObject({
      name: { type: ['string', 'null'], maxLength: 500 },
      kind: { enum: ['person', 'company'] },
    });
    expect(schema.properties.emails).toEqual({
      type: ['array', 'null'],
      items: { $ref: '#/components/schemas/EmailDto' },
    });
    expect(schema.required ?? []).not.toContain('name');
    const { responses } = body.paths['/api/customers/by/{key}/{value}'].put;
    for (const status of ['200', '201']) {
      const answer = responses[status].content['application/json'].schema;
      expect([status, answer]).toEqual([status, { $ref: '#/components/schemas/Customer' }]);
    }
    expect([responses['200'].headers, responses['201'].headers].map((one) => 'Location' in one)).toEqual([false, true]);
  });

  type Schema = { type?: string | string[]; anyOf?: Schema[]; enum?: unknown[]; properties?: Record<string, Schema> };
  const takesNull = ({ type, anyOf, enum: values }: Schema): boolean =>
    (anyOf ? anyOf.some(takesNull) : [type].flat().includes('null')) && (values === undefined || values.includes(null));

  it('says of selections and of bounds what they take', async () => {
    const { schemas } = (await service.call('GET', '/openapi.json', undefined, { authorization: '' })).body.components;
    expect(schemas.BulkChangeDto.required).toBeUndefined();
    const { required, properties } = schemas.ValidationRuleDto;
    expect(required).toEqual(['id', 'kind', 'field', 'message']);
    const bound = { oneOf: [{ type: 'number' }, { type: 'string' }] };
    expect([properties.min, properties.max]).toEqual([bound, bound]);
  });

  it.each([
    ['ChangeCustomerDto', ['kind'], async () => `/api/customers/${(await create()).id}`],
    [
      'ChangeFieldDto',
      ['label', 'help', 'required', 'options', 'group', 'sensitivity'],
      async () => '/api/fields/none',
    ],
  ])('says of %s where null is taken, and where it is refused', async (name, never, address) => {
    const { components } = (await service.call('GET', '/openapi.json', undefined, { authorization: '' })).body;
    const { properties = {} } = components.schemas[name] as Schema;
    const path = await address();
    const refused: string[] = [];
    for (const property of Object.keys(properties)) {
      const { status, body } = await service.call('PATCH', path, { [property]: null });
      if (status === 400) refused.push(body.errors[0].path);
    }
    expect(Object.keys(properties).filter((property) => !takesNull(properties[property]!))).toEqual(refused);
    expect(refused).toEqual(expect.arrayContaining(never));
  });
});

describe('a record that a newer release wrote', () => {
  it('is answered with 503 and when to come again', async () => {
    const { id } = await create();
    const client = await service.kernel.pool.connect();
    await client.query(`set session_replication_role = replica`);
    await client.query(`update events set schema_version = 99 where stream_id = $1`, [id]);
    client.release(true);
    const { status, body, headers } = await service.call('GET', `/api/customers/${id}`);
    expect([status, body.code, headers.get('retry-after')]).toEqual([503, 'newer-release', '30']);
  });
});

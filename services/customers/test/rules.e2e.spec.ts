import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { ValidationRule } from '@throughline/contracts';
import { newId } from '@throughline/event-sourcing';
import { eventually, startTestService, type TestService } from '@throughline/service/testing';
import { CustomersModule } from '../src/customers.module.ts';

const databasePrefix = `t${randomBytes(5).toString('hex')}_`;
let service: TestService;
const start = () => startTestService(CustomersModule, { listensTo: ['gateway'], config: { databasePrefix } });
beforeAll(async () => {
  service = await start();
});
afterAll(() => service.end());

const url = '/api/rules/customers';
const rule = (facts: Omit<ValidationRule, 'id' | 'message'> & { id?: string }) => ({
  id: facts.field.replace('custom.', '').toLowerCase(),
  message: { zh: '不行', en: 'No.' },
  ...facts,
});
const define = (...rules: object[]) => service.call('PUT', url, { rules });
const create = (body: object, headers = {}) => service.call('POST', '/api/customers', { name: 'x', ...body }, headers);
const codes = ({ body }: { body: any }) => body.errors.map(({ path, code }: any) => `${path} ${code}`);
const atRest = () =>
  eventually(
    () => service.kernel.pool.query(`select from jobs where state in ('waiting', 'running')`),
    ({ rowCount }) => rowCount === 0,
  );
afterEach(async () => {
  await define();
});

describe('the rules for customers', () => {
  it('are read and defined as a whole', async () => {
    expect((await service.call('GET', url)).body).toEqual({ rules: [], pending: [] });
    const rules = [rule({ kind: 'range', field: 'birthDate', max: 'today' })];
    expect(await define(...rules)).toMatchObject({ status: 200, body: { rules } });
    expect((await service.call('GET', url)).body).toEqual({ rules, pending: [] });
    const wrong = await define(rule({ kind: 'format', field: 'name', pattern: '(a' }), { ...rules[0], field: 'shoe' });
    expect([wrong.status, wrong.body.code, ...codes(wrong)]).toEqual([
      422,
      'invalid-rule-set',
      'rules.0.pattern wrong-pattern',
      'rules.1.field unknown-field',
    ]);
    expect((await define({ ...rules[0], max: true })).status).toBe(400);
    expect((await service.call('GET', url)).body).toEqual({ rules, pending: [] });
  });

  it('refuse what is entered, whichever way it comes, and name every field', async () => {
    const { body: old } = await create({ title: 'ceo' });
    await define(
      rule({ kind: 'required', field: 'industry' }),
      rule({ kind: 'format', field: 'title', pattern: '[A-Z]+' }),
    );
    const both = ['industry rule-failed', 'title rule-failed'];
    const refused = await create({ title: 'ceo' }, { 'accept-language': 'zh' });
    expect([refused.status, refused.body.code, ...codes(refused)]).toEqual([422, 'invalid-customer', ...both]);
    expect(refused.body.errors[0]).toMatchObject({ message: '不行', params: { ruleId: 'industry' } });
    expect(codes(await create({ title: 'ceo', interaction: { kind: 'call' } }))).toEqual(both);
    expect(
      codes(await service.call('PUT', `/api/customers/by/number/R-${newId()}`, { name: 'x', title: 'ceo' })),
    ).toEqual(both);
    expect(codes(await service.call('POST', '/api/customers/check', { name: 'x', title: 'ceo' }))).toEqual(both);
    const card = 'BEGIN:VCARD\nVERSION:3.0\nFN:x\nTITLE:ceo\nEND:VCARD';
    const cards = await service.call('POST', '/api/customers/vcard', card, { 'content-type': 'text/vcard' });
    expect(JSON.stringify(cards.body)).toContain('rule-failed');
    const operations = [{ op: 'create', data: { name: 'x', title: 'ceo' } }];
    for (const allOrNone of [true, false]) {
      const { body } = await service.call('POST', '/api/customers/batch', { operations, allOrNone });
      expect(JSON.stringify(body)).toContain('rule-failed');
    }
    const path = `/api/customers/${old.id}`;
    expect(codes(await service.call('PATCH', path, { title: 'cto' }))).toEqual(['title rule-failed']);
    expect((await service.call('PATCH', path, { department: 'IT' })).status).toBe(200);
  });

  it('let only one have a value, also of two at once', async () => {
    await service.call('POST', '/api/fields', { key: 'card', type: 'text', label: { en: 'Card' } });
    await define(rule({ kind: 'unique', field: 'custom.card' }));
    const answers = await Promise.all([create({ custom: { card: 'A1' } }), create({ custom: { card: 'ａ1' } })]);
    const [made, late] = answers.toSorted((a, b) => a.status - b.status);
    expect([made?.status, late?.status, late?.body.code, late?.body.holder]).toEqual([
      201,
      409,
      'value-taken',
      made?.body.id,
    ]);
    const holder = made?.body.id;
    const { body: other } = await create({ custom: { card: 'B2' } });
    const taking = { custom: { card: 'a1' } };
    expect(await service.call('PATCH', `/api/customers/${other.id}`, taking)).toMatchObject({ body: { holder } });
    const checked = await service.call('POST', '/api/customers/check', { name: 'x', ...taking });
    expect(codes(checked)).toEqual(['custom.card value-taken']);
    const operations = [{ op: 'create', data: { name: 'x', ...taking } }];
    const { body: batch } = await service.call('POST', '/api/customers/batch', { operations, allOrNone: true });
    expect(JSON.stringify(batch)).toContain('value-taken');

    // Of one customer it is no other: merged, it may be said again.
    await service.call('POST', `/api/customers/${other.id}/merge`, { absorb: [holder] });
    expect(await service.call('PATCH', `/api/customers/${other.id}`, taking)).toMatchObject({ status: 200 });
    expect((await create(taking)).body.code).toBe('value-taken');
    await service.call('DELETE', `/api/customers/${other.id}`);
    expect((await create(taking)).status).toBe(201);
  });
});

describe('what a stranger is told of rules before a form is taken', () => {
  const ask = async (fields: object) => {
    const { status, body } = await service.call('POST', '/internal/customers/broken-rules', { fields });
    expect(status).toBe(200);
    return body.errors.map(({ path, params }: any) => `${path} ${params.ruleId} ${params.zh} ${params.en}`);
  };

  it('is what they can mend: what is missing, has no form or lies out of its range', async () => {
    await service.call('POST', '/api/fields', { key: 'age', type: 'number', label: { en: 'Age' } });
    await define(
      rule({ kind: 'format', field: 'emails', pattern: '.+@ours\\.example' }),
      rule({ kind: 'range', field: 'custom.age', min: 18 }),
      rule({ kind: 'dependent', field: 'title', when: { field: 'industry', in: ['IT'] } }),
      rule({ kind: 'required', field: 'region' }),
    );
    const emails = [{ value: 'ａ@theirs.example', primary: true }];
    expect(await ask({ name: 'x', emails, industry: 'IT', custom: { age: '9' } })).toEqual([
      'emails.0.value emails 不行 No.',
      'custom.age age 不行 No.',
      'title title 不行 No.',
      'region region 不行 No.',
    ]);
    const right = { emails: [{ value: 'A@ours.example' }], phones: [{ value: '010-65541234' }] };
    expect(await ask({ name: 'x', ...right, custom: { age: '20' } })).toEqual([]);
  });

  it('is what is none of its field’s type, once, and what a definition requires', async () => {
    const options = [{ value: 'tea', label: { en: 'Tea', zh: '茶' } }];
    for (const field of [
      { key: 'plot', type: 'number' },
      { key: 'budget', type: 'money' },
      { key: 'since', type: 'date' },
      { key: 'likes', type: 'multi-choice', options },
      { key: 'club', type: 'text', required: ['person'] },
    ])
      await service.call('POST', '/api/fields', { ...field, label: { en: field.key } });
    await service.call('PATCH', '/api/fields', { unknownRefused: true });
    await define(
      rule({ kind: 'required', field: 'custom.plot' }),
      rule({ kind: 'range', field: 'custom.budget', max: '9' }),
    );
    const told = async (custom: object) => {
      const { body } = await service.call('POST', '/internal/customers/broken-rules', {
        fields: { name: 'x', custom },
      });
      return codes({ body });
    };
    expect(
      await told({ plot: '1,200.50', budget: '¥3', since: '2026年5月3日', likes: 'tea、茶', colour: 'red', club: 'A' }),
    ).toEqual([]);
    expect(await told({ plot: 'large', budget: '12', since: '3/4/2026', likes: 'tea, gin', club: 'A' })).toEqual([
      'custom.plot wrong-type',
      'custom.budget currency-missing',
      'custom.since ambiguous-date',
      'custom.likes not-allowed',
    ]);
    expect(await told({ budget: '12 XYZ', since: '2026-02-30' })).toEqual([
      'custom.since impossible-date',
      'custom.budget unknown-currency',
      'custom.club required',
      'custom.plot rule-failed',
    ]);
    await service.call('PATCH', '/api/fields', { unknownRefused: false });
    await service.call('POST', '/api/fields/club/retire');
  });

  it('is not who is a customer already', async () => {
    const emails = [{ value: `${newId()}@known.example` }];
    await define(rule({ kind: 'unique', field: 'emails' }));
    await create({ emails });
    expect(await ask({ name: 'x', emails })).toEqual([]);
    const anybody = await fetch(`${service.url}/internal/customers/broken-rules`, { method: 'POST' });
    expect(anybody.status).toBe(401);
  });
});

describe('a value that was there before only one might have it', () => {
  const numberOf = () => `G-${newId()}`;
  const giving = (badge: string) => ({ custom: { badge } });
  const seen = async (custom: object) => {
    const id = newId();
    const stamp = { rank: 'profile', at: '2026-01-01T00:00:00.000Z', hash: id };
    const event = { type: 'CustomerSeen', customerId: id, name: '来源', custom, stamp };
    await service.log('gateway').append({ type: 'seen-customer', id }, event as never);
    await eventually(
      () => service.call('GET', `/api/customers/${id}`),
      ({ status }) => status === 200,
    );
    return id;
  };
  const check = (badge: string) => service.call('POST', '/api/customers/check', { name: 'x', ...giving(badge) });
  const isHeld = (badge: string) =>
    eventually(
      () => check(badge),
      ({ body }) => body.errors.length > 0,
    );
  const failures = async (id: string) =>
    (await service.call('GET', `/api/customers/${id}/care`)).body.verification.failures;
  const unique = rule({ kind: 'unique', field: 'custom.badge' });
  afterEach(atRest);
  beforeAll(() => service.call('POST', '/api/fields', { key: 'badge', type: 'text', label: { en: 'Badge' } }));

  it('is its customer’s soon after the rule, until the customer is archived', async () => {
    const [badge, other] = [numberOf(), numberOf()];
    const { body: old } = await create(giving(badge));
    const bySource = await seen(giving(other).custom);
    await define(unique);
    await isHeld(badge);
    await isHeld(other);
    expect((await create(giving(badge))).body).toMatchObject({ code: 'value-taken', holder: old.id });
    expect((await create(giving(other.toLowerCase()))).body).toMatchObject({ code: 'value-taken', holder: bySource });
    const { body: third } = await create({});
    expect((await service.call('PATCH', `/api/customers/${third.id}`, giving(badge))).body.code).toBe('value-taken');
    expect((await service.call('PATCH', `/api/customers/${old.id}`, { title: 'CEO' })).status).toBe(200);
    await service.call('DELETE', `/api/customers/${old.id}`);
    expect((await create(giving(badge))).status).toBe(201);
    expect((await service.call('POST', `/api/customers/${old.id}/restore`)).body.code).toBe('value-taken');
  });

  it('is its customer’s once the definition is answered, or no longer pending', async () => {
    const badge = numberOf();
    const { body: old } = await create(giving(badge));
    expect((await define({ ...unique, id: 'at-once' })).body.pending).toEqual([]);
    expect((await create(giving(badge))).body).toMatchObject({ code: 'value-taken', holder: old.id });

    // Nobody carries out a job of this kind.
    const { pool } = service.kernel;
    await pool.query(`create function hold() returns trigger language plpgsql as
      'begin new.kind = ''held''; return new; end'; create trigger hold before insert on jobs for each row execute function hold()`);
    const rules = [
      { ...unique, id: 'at-once' },
      { ...unique, id: 'later' },
    ];
    expect((await define(...rules)).body).toEqual({ rules, pending: ['later'] });
    await pool.query(`drop function hold cascade; update jobs set kind = 'verify-customers' where kind = 'held'`);
    await eventually(
      () => service.call('GET', url),
      ({ body }) => body.pending.length === 0,
    );
    await define({ ...unique, id: 'later' });
    expect((await create(giving(badge))).body).toMatchObject({ code: 'value-taken', holder: old.id });
  });

  it('is the older one’s of two, and the other is told of', async () => {
    const badge = numberOf();
    // Whichever ids they have.
    const ids = [newId(), newId(), newId()].toReversed();
    for (const id of ids) await create({ id, ...giving(badge) });
    const { body: changed } = await create(giving(numberOf()));
    await define({ ...unique, id: 'first-come' });
    const [first, ...others] = ids as [string, string, string];
    for (const id of others)
      await eventually(
        () => failures(id),
        (found) => found.length > 0,
      );
    expect(await failures(others[0])).toEqual([{ field: 'custom.badge', code: 'value-taken', ruleId: 'first-come' }]);
    expect(await failures(first)).toEqual([]);
    const taking = await service.call('PATCH', `/api/customers/${changed.id}`, giving(badge));
    expect(taking.body).toMatchObject({ code: 'value-taken', holder: first });
  });

  it('is one’s also where others are given it at that moment', async () => {
    const badge = numberOf();
    const { body: old } = await create(giving(badge));
    const [, ...answers] = await Promise.all([
      define({ ...unique, id: 'race' }),
      ...[1, 2, 3, 4].map(() => create(giving(badge))),
    ]);
    const made = answers.flatMap(({ status, body }) => (status === 201 ? [body.id as string] : []));
    const { body: last } = await create({});
    await isHeld(badge);
    const refused = await service.call('PATCH', `/api/customers/${last.id}`, giving(badge));
    expect(refused.body.code).toBe('value-taken');
    const all = [old.id as string, ...made];
    expect(all).toContain(refused.body.holder);
    // Who was under way with the rules as they were is told of by the next verification.
    await define({ ...unique, id: 'race-again' });
    await isHeld(badge);
    const told = await eventually(
      () => Promise.all(made.map(failures)),
      (found) => found.every(([one]) => one?.ruleId === 'race-again'),
    );
    expect(told.flat().every(({ code }) => code === 'value-taken')).toBe(true);
    expect(await failures(old.id)).toEqual([]);
  });
});

describe('the verification of customers', () => {
  const care = async (id: string) => (await service.call('GET', `/api/customers/${id}/care`)).body;
  /** A round comes every few minutes, and whenever a process begins to lead. */
  const nextRound = async () => {
    await service.stop();
    service = await start();
  };
  /** As if another day began. */
  const nextDay = async () => {
    await atRest();
    await service.kernel.pool.query(`update jobs set id = gen_random_uuid() where kind = 'verify-customers'`);
    await nextRound();
  };
  const verified = (id: string, after: string | null) =>
    eventually(
      async () => (await care(id)).verification,
      ({ checkedAt }) => checkedAt !== null && checkedAt !== after,
    );
  const events = async (id: string) =>
    (
      await service.kernel.pool.query<{ type: string }>(
        `select type from events where type like 'Verification%' and data->>'customerId' = $1 order by position`,
        [id],
      )
    ).rows.map(({ type }) => type);

  it('tells once what nobody was refused for, and before the next one that it is mended', async () => {
    const id = newId();
    await service.log('gateway').append({ type: 'seen-customer', id }, {
      type: 'CustomerSeen',
      customerId: id,
      name: '来源',
      title: 'ceo',
      emails: [{ value: 'nobody' }],
      stamp: { rank: 'profile', at: '2026-01-01T00:00:00.000Z', hash: 'h' },
    } as never);
    await eventually(
      () => service.call('GET', `/api/customers/${id}`),
      ({ status }) => status === 200,
    );
    const { body: fine } = await create({});
    await define(rule({ kind: 'format', field: 'title', pattern: '[A-Z]+' }));
    await nextDay();
    const first = await verified(id, null);
    expect(first.failures).toEqual([
      { field: 'emails', code: 'email-no-at' },
      { field: 'title', code: 'rule-failed', ruleId: 'title' },
    ]);
    const { qualityIssues } = await care(id);
    expect(qualityIssues).toEqual(expect.arrayContaining(['rule:title', 'invalid:emails']));

    await nextDay();
    const second = await verified(id, first.checkedAt);
    expect(second.failures).toEqual(first.failures);
    expect(await events(id)).toEqual(['VerificationFailed']);

    await service.call('PATCH', `/api/customers/${id}`, { title: 'CEO', emails: [] });
    await nextRound();
    expect(
      await eventually(
        () => events(id),
        ({ length }) => length > 1,
      ),
    ).toEqual(['VerificationFailed', 'VerificationPassed']);
    expect((await care(id)).verification.failures).toEqual([]);
    expect(await events(fine.id)).toEqual([]);
  }, 60_000);

  it('is begun by who asks for it, and says how far it is and what it found', async () => {
    const address = `${url}/verification`;
    const ending = (isTheOne: (last: any) => boolean) =>
      eventually(
        async () => (await service.call('GET', address)).body,
        ({ running, last }) => running === null && last !== null && isTheOne(last),
      );
    const verify = async () => {
      await atRest();
      const { status, body } = await service.call('POST', address);
      expect(status).toBe(202);
      const { last } = await ending(({ id }) => id === body.id);
      expect(last).toMatchObject({
        state: 'done',
        error: null,
        done: last.counts.verified,
        total: last.counts.verified,
      });
      expect(last.counts.failed + last.counts.passed).toBe(last.counts.verified);
      return last.counts;
    };
    await create({});
    // The day's own is over.
    await ending(() => true);
    const before = await verify();
    await service.call('POST', '/api/fields', { key: 'locker', type: 'text', label: { en: 'Locker' } });
    const custom = { locker: newId() };
    const { body: made } = await create({ department: 'desk', custom });
    await define(rule({ kind: 'format', field: 'department', pattern: '[^e]+' }));
    const after = await verify();
    expect([after.verified, after.failed, after.claimed]).toEqual([before.verified + 1, before.failed + 1, 0]);
    expect((await care(made.id)).verification.failures).toEqual([
      { field: 'department', code: 'rule-failed', ruleId: 'department' },
    ]);
    await define(rule({ kind: 'unique', field: 'custom.locker' }));
    const { last } = await ending(({ counts }) => counts.claimed === 1);
    expect((await create({ custom })).body).toMatchObject({ code: 'value-taken', holder: made.id });
    expect(last.counts.verified).toBe(after.verified);
  }, 60_000);
});

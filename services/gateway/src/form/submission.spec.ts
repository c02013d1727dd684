import { describe, expect, it } from '@jest/globals';
import {
  customerFrom,
  repeatable,
  ruleErrors,
  spamReason,
  submissionErrors,
  submittedOf,
  unaskedRules,
  type Sent,
} from './submission.ts';

const now = '2026-01-15T08:00:00.000Z';
const values = (fields: Record<string, string>) => new Map(Object.entries(fields));
const sent = (fields: Record<string, string>, more: Partial<Sent> = {}): Sent => ({
  values: values(fields),
  consent: false,
  trap: '',
  utm: {},
  language: 'zh',
  ...more,
});
const fields = ['name', 'email', 'phone', 'birthDate', 'message'].map((field) => ({ field }));
const form = { fields, consent: undefined };
const consent = {
  text: { en: 'Yes' },
  version: 3,
  purposes: [{ purpose: 'newsletter', channel: 'email' }],
  required: true,
};

describe('what was filled in', () => {
  const errors = (given: Record<string, string>, asked: Parameters<typeof submissionErrors>[0] = form) =>
    submissionErrors(asked, sent(given), now).map(({ path, code }) => `${path} ${code}`);

  it('is wrong by every field that customers would not take', () => {
    expect(errors({ name: 'x', email: 'nobody', phone: '??', birthDate: '2025-02-30', colour: 'red' })).toEqual([
      'email wrong-type',
      'phone wrong-type',
      'birthDate impossible-date',
      'colour unknown-field',
    ]);
    expect(errors({ name: 'x'.repeat(501), birthDate: '2999-01-01' })).toEqual([
      'name too-long',
      'birthDate in-the-future',
    ]);
    expect(errors({ name: 'a\0b', message: '\ud800' })).toEqual(['name invalid-text', 'message invalid-text']);
  });

  it('has to say who it is, what is required, and to agree where that is required', () => {
    expect(errors({ message: 'hello' })).toEqual(['name required', 'email required', 'phone required']);
    expect(errors({ phone: '138' })).toEqual([]);
    expect(errors({ name: 'x' }, { fields: [{ field: 'name' }, { field: 'email', required: true }], consent })).toEqual(
      ['email required', 'consent required'],
    );
  });

  it('becomes a customer, with the source and campaign of the form where the page says none', () => {
    const about = { customerId: 'c', formId: 'f', addressHash: 'h' };
    const utm = { source: 'wechat', campaign: 'april' };
    expect(
      submittedOf(
        { consent, source: null, channel: null, campaign: 'spring' },
        sent(
          { email: 'a@example.com', wechat: 'w', city: '杭州', message: 'hi', 'custom.tea': '龙井' },
          { consent: true, utm },
        ),
        about,
      ),
    ).toEqual({
      ...about,
      name: 'a@example.com',
      emails: [{ value: 'a@example.com', primary: true }],
      socials: [{ network: 'wechat', value: 'w' }],
      addresses: [{ city: '杭州' }],
      custom: { message: 'hi', tea: '龙井' },
      source: 'web-form',
      channel: 'web',
      campaign: 'april',
      // It was there in English only: that is what was read.
      consents: [{ purpose: 'newsletter', channel: 'email', textVersion: 3, language: 'en' }],
      language: 'zh',
      utm,
    });
    const plain = submittedOf(
      { consent, source: 'fair', channel: 'stand', campaign: 'spring' },
      sent({ givenName: '雷', familyName: '李' }),
      about,
    );
    expect(plain).toEqual({
      ...about,
      givenName: '雷',
      familyName: '李',
      source: 'fair',
      channel: 'stand',
      campaign: 'spring',
      language: 'zh',
    });
  });
});

describe('what rules have against a submission', () => {
  const broken = (...paths: string[]) => paths.map((path) => ({ path, code: 'rule-failed' }));
  const asking = (...names: string[]) => ({ fields: names.map((field) => ({ field })) });
  const paths = (errors: readonly { path: string }[]) => errors.map(({ path }) => path);

  it('is told by the names of the form’s fields', () => {
    const asked = asking('email', 'phone', 'wechat', 'city', 'title', 'custom.card', 'message');
    const found = broken('emails.0.value', 'phones', 'socials.0.value', 'addresses', 'title', 'custom.card');
    expect(paths(ruleErrors(asked, [...found, ...broken('custom.message')], []))).toEqual([
      'email',
      'phone',
      'wechat',
      'city',
      'title',
      'custom.card',
      'message',
    ]);
  });

  it('is told of no field that the form does not ask for, and of none that is wrong anyhow', () => {
    const found = broken('emails', 'industry', 'custom.level', 'source');
    expect(ruleErrors(asking('name', 'email'), found, [{ path: 'email', code: 'wrong-type' }])).toEqual([]);
    expect(paths(unaskedRules(asking('name', 'email'), [...found, ...broken('name')]))).toEqual([
      'industry',
      'custom.level',
      'source',
    ]);
  });

  it('is asked of what is right', () => {
    const given = sent({ title: 'CEO', email: 'nobody' }, { utm: { campaign: 'may' } });
    expect(customerFrom({ source: 'fair' }, given, [{ path: 'email', code: 'wrong-type' }])).toEqual({
      title: 'CEO',
      source: 'fair',
      channel: 'web',
      campaign: 'may',
    });
  });
});

describe('what looks like spam', () => {
  const at = new Date(now);
  const served = new Date(at.getTime() - 60_000);
  const reason = (fields: Record<string, string>, when: Date | 'forged' | undefined = served, trap = '') =>
    spamReason({ values: values(fields), trap }, when, at);

  it('is what people cannot have sent', () => {
    expect(reason({ name: '李雷' })).toBeUndefined();
    expect(reason({ name: '李雷' }, served, 'http://spam')).toBe('trap');
    expect(reason({ name: '李雷' }, 'forged')).toBe('token');
    expect(reason({ name: '李雷' }, new Date(at.getTime() - 1_999))).toBe('too-fast');
  });

  it('is what has many links, or any where no page of ours was served', () => {
    const links = (count: number) => ({
      message: 'see https://a.example and www.b.example or [url=c]'
        .split(' ')
        .slice(0, 2 * count)
        .join(' '),
    });
    expect([reason(links(2)), reason(links(3))]).toEqual([undefined, 'links']);
    expect(spamReason({ values: values(links(1)), trap: '' }, undefined, at)).toBe('links');
    expect(spamReason({ values: values({ name: '李雷' }), trap: '' }, undefined, at)).toBeUndefined();
  });

  it('is a long text that was sent before, however it is spaced', () => {
    const text = 'We offer the very best prices for all kinds of things';
    expect(repeatable(values({ message: text.replaceAll(' ', '  ') }))).toBe(repeatable(values({ message: text })));
    expect(repeatable(values({ name: '李雷', message: '请联系我' }))).toBeUndefined();
  });
});

import fc from 'fast-check';
import { cleanEmail, companyFromEmail, readEmailDomain, suggestEmailDomain } from './email-domains.ts';

describe('the domain of an e-mail address', () => {
  it.each([
    ['bob@gmail.com', 'gmail.com', true, false, false],
    ['bob@vip.qq.com', 'qq.com', true, false, false],
    ['bob@139.com', '139.com', true, false, false],
    ['noreply@21cn.com', '21cn.com', true, false, true],
    ['x@mailinator.com', 'mailinator.com', true, true, false],
    ['info@mail.acme.co.uk', 'acme.co.uk', false, false, true],
    ['sales-cn@acme.com.cn', 'acme.com.cn', false, false, true],
    ['no.reply@acme.com', 'acme.com', false, false, true],
    ['客服1@例子.中国', 'xn--fsqu00a.xn--fiqs8s', false, false, true],
    ['hr.smith@acme.com', 'acme.com', false, false, false],
    ['salesman@acme.com', 'acme.com', false, false, false],
    ['bob@corp.local', null, false, false, false],
  ])('of %s is %s; free %s, disposable %s, role %s', (email, registrable, isFree, isDisposable, isRole) => {
    expect(readEmailDomain(email)).toEqual({ registrable, isFree, isDisposable, isRole });
  });

  it('is none where there is no address', () => {
    expect(readEmailDomain('bob')).toBeNull();
  });

  it.each([
    ['bob@mail.acme.com.cn', 'acme.com.cn', 'acme'],
    ['info@acme.co.uk', 'acme.co.uk', 'acme'],
    ['bob@例子.中国', 'xn--fsqu00a.xn--fiqs8s', '例子'],
  ])('of %s names the company of %s: %s', (email, domain, label) => {
    expect(companyFromEmail(email)).toEqual({ value: { domain, label }, rule: 'company-from-email-domain' });
  });

  it.each([
    ['bob@gmail.com'],
    ['bob@qq.com'],
    ['bob@vip.163.com'],
    ['x@mailinator.com'],
    ['bob@corp.local'],
    ['bob@qq.co'],
    ['bob'],
  ])('of %s names none', (email) => {
    expect(companyFromEmail(email)).toBeNull();
  });
});

describe('a mistyped domain', () => {
  it.each([
    ['gmial.com', 'gmail.com'],
    ['gmai.com', 'gmail.com'],
    ['gmaill.com', 'gmail.com'],
    ['gmail.con', 'gmail.com'],
    ['gmail.co', 'gmail.com'],
    ['hotmial.com', 'hotmail.com'],
    ['outlok.com', 'outlook.com'],
    ['yaho.com', 'yahoo.com'],
    ['yahoo.co', 'yahoo.com'],
    ['foxmial.com', 'foxmail.com'],
    ['163.con', '163.com'],
    ['vip.163.con', 'vip.163.com'],
    ['qq.con', 'qq.com'],
    ['sina.con', 'sina.com'],
  ])('%s is %s', (domain, meant) => {
    expect(suggestEmailDomain(domain)).toBe(meant);
  });

  it.each([
    ['gmail.com'],
    ['163.com'],
    ['139.com'],
    ['136.com'],
    ['qq.cn'],
    ['aq.com'],
    ['mail.com'],
    ['email.com'],
    ['ymail.com'],
    ['cloud.com'],
    ['acme.con'],
    ['acme.com'],
    ['localhost'],
    [''],
  ])('is not %s', (domain) => {
    expect(suggestEmailDomain(domain)).toBeNull();
  });
});

describe('a cleaned e-mail address', () => {
  it('is corrected in form, and its domain suggested', () => {
    expect(cleanEmail(' Ｂob@Gmial.com')).toEqual({
      value: 'Bob@gmial.com',
      corrections: [
        { rule: 'full-width', from: ' Ｂob@Gmial.com', to: ' Bob@Gmial.com' },
        { rule: 'spaces', from: ' Bob@Gmial.com', to: 'Bob@Gmial.com' },
        { rule: 'email-form', from: 'Bob@Gmial.com', to: 'Bob@gmial.com' },
      ],
      suggestions: [{ rule: 'email-domain-typo', to: 'Bob@gmail.com' }],
      problem: null,
    });
  });

  it('stays as entered where it is none', () => {
    expect(cleanEmail('bob at host')).toEqual({
      value: 'bob at host',
      corrections: [],
      suggestions: [],
      problem: 'no-at',
    });
  });

  it('is cleaned once and for all', () => {
    fc.assert(
      fc.property(fc.oneof(fc.emailAddress(), fc.string({ unit: 'binary' })), (raw) => {
        const { value, problem } = cleanEmail(raw);
        expect(cleanEmail(value)).toMatchObject({ value, problem, corrections: [] });
      }),
    );
  });
});

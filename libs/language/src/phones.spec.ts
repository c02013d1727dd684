import fc from 'fast-check';
import { cleanPhone, landlineAreaCode, normalisePhone, phoneTails } from './phones.ts';

describe('a phone number', () => {
  it.each([
    ['138 0013 8000', 'CN', '+8613800138000', 'mobile', null],
    ['＋８６ 138-0000-0000', undefined, '+8613800000000', 'mobile', null],
    ['（０１０）６５５４１２３４', 'CN', '+861065541234', 'fixed-line', null],
    ['400-820-8820', 'CN', '+864008208820', 'shared-cost', null],
    ['8613800138000', 'CN', '+8613800138000', 'mobile', null],
    ['0086 138 0013 8000', undefined, '+8613800138000', 'mobile', null],
    ['010-65541234 转 801', 'CN', '+861065541234', 'fixed-line', '801'],
    ['010-65541234 分机801', 'CN', '+861065541234', 'fixed-line', '801'],
    ['010-65541234-801', 'CN', '+861065541234', 'fixed-line', '801'],
    ['+1 (201) 555-0123 ext. 22', undefined, '+12015550123', 'fixed-line-or-mobile', '22'],
    ['tel:+1-201-555-0123', undefined, '+12015550123', 'fixed-line-or-mobile', null],
    ['+49 (0)30 123456', 'CN', '+4930123456', 'fixed-line', null],
    ['\u202a+86 138‑0013‑8000\u202c', undefined, '+8613800138000', 'mobile', null],
  ])('%j in %s is %s, %s, extension %s', (raw, country, e164, kind, extension) => {
    expect(normalisePhone(raw, country)).toMatchObject({
      e164,
      kind,
      extension,
      valid: true,
      problem: null,
      digits: e164.slice(1),
    });
  });

  it.each([
    ['13800138', 'CN', 'invalid', '13800138'],
    ['13800138000', undefined, 'no-country', '13800138000'],
    ['13800138000', 'Atlantis', 'no-country', '13800138000'],
    ['1.38E+10', 'CN', 'scientific', '13810'],
    ['call Bob 2', 'CN', 'not-a-number', '2'],
    ['　', 'CN', 'empty', ''],
  ])('%j in %s is not valid: %s', (raw, country, problem, digits) => {
    expect(normalisePhone(raw, country)).toMatchObject({ e164: null, valid: false, kind: 'unknown', problem, digits });
  });

  it('never throws, and normalises its own result to itself', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'0123456789+-() x转８６') }), (raw) => {
        const { e164 } = normalisePhone(raw, 'CN');
        expect(normalisePhone(e164 ?? '').e164).toBe(e164);
      }),
    );
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string(), (raw, country) =>
        expect(normalisePhone(raw, country).valid).toBeDefined(),
      ),
    );
  });

  it('is known by its tails of four digits and more', () => {
    expect(phoneTails('+123456')).toEqual(['3456', '23456', '123456']);
    expect(phoneTails('123')).toEqual([]);
  });

  it.each([
    ['+861065541234', '010'],
    ['+862167890123', '021'],
    ['+8675526770000', '0755'],
    ['+8631187654321', '0311'],
    ['+8613800138000', null],
    ['+864008208820', null],
    ['+12015550123', null],
    ['13800138000', null],
  ])('%s has the area code %s', (e164, areaCode) => {
    expect(landlineAreaCode(e164)).toBe(areaCode);
  });

  it('is written as E.164, with what it was before', () => {
    expect(cleanPhone('＋86 138-0000-0000')).toEqual({
      value: '+8613800000000',
      corrections: [
        { rule: 'full-width', from: '＋86 138-0000-0000', to: '+86 138-0000-0000' },
        { rule: 'phone-to-e164', from: '+86 138-0000-0000', to: '+8613800000000' },
      ],
      suggestions: [],
      problem: null,
    });
    expect(cleanPhone('010-65541234 转 801', 'CN').value).toBe('+861065541234 ext. 801');
  });

  it('stays as entered where it is not valid', () => {
    expect(cleanPhone('13800138', 'CN')).toEqual({
      value: '13800138',
      corrections: [],
      suggestions: [],
      problem: 'invalid',
    });
  });

  it('is cleaned once and for all', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'0123456789+-() x转８６') }), (raw) => {
        const { value } = cleanPhone(raw, 'CN');
        expect(cleanPhone(value, 'CN')).toMatchObject({ value, corrections: [] });
      }),
    );
  });
});

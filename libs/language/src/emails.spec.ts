import fc from 'fast-check';
import { emailParts, emailToken, emailTokenEnds, normaliseEmail } from './emails.ts';

describe('an e-mail address', () => {
  it.each([
    ['Bob.Norman@HostMail.COM', 'Bob.Norman@hostmail.com'],
    ['  ｂｏｂ＠ｈｏｓｔｍａｉｌ．ｃｏｍ ', 'bob@hostmail.com'],
    ['bob@bücher.de', 'bob@xn--bcher-kva.de'],
    ['张三@例子。中国', '张三@xn--fsqu00a.xn--fiqs8s'],
    ['Bob <mailto:bob@hostmail.com>', 'bob@hostmail.com'],
    ['\u200bbob+crm@hostmail.com\ufeff', 'bob+crm@hostmail.com'],
    ['"b o b"@hostmail.com', '"b o b"@hostmail.com'],
  ])('%j is %s', (raw, address) => {
    expect(normaliseEmail(raw)).toMatchObject({ address, key: address.toLowerCase(), problem: null });
  });

  it.each([
    ['', 'empty'],
    ['bob', 'no-at'],
    ['@hostmail.com', 'local'],
    ['b..ob@hostmail.com', 'local'],
    ['b ob@hostmail.com', 'local'],
    ['bob@hostmail', 'domain'],
    ['bob@host mail.com', 'domain'],
    ['bob@-hostmail.com', 'domain'],
    ['bob@1.2.3.4', 'domain'],
    [`${'b'.repeat(65)}@hostmail.com`, 'too-long'],
  ])('%j is none: %s', (raw, problem) => {
    expect(normaliseEmail(raw)).toEqual({ address: null, key: null, local: null, domain: null, problem });
  });

  it('is normalised once and for all', () => {
    fc.assert(
      fc.property(fc.emailAddress(), (raw) => {
        const { address } = normaliseEmail(raw);
        expect(normaliseEmail(address!).address).toBe(address);
      }),
    );
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (raw) => expect(normaliseEmail(raw)).toBeDefined()));
  });

  it('has parts by which people look for it', () => {
    expect(emailParts('Bob.Norman@Mail.HostMail.com')).toEqual({
      whole: 'bob.norman@mail.hostmail.com',
      local: 'bob.norman',
      localWords: ['bob', 'norman'],
      domain: 'mail.hostmail.com',
      domainLabels: ['mail', 'hostmail', 'com'],
    });
    expect(emailParts('nobody')).toMatchObject({ whole: 'nobody', domain: '', domainLabels: [] });
  });

  it('has a token, and the token ends by which its later words are found', () => {
    expect(emailToken('bob.norman@hostmail.com')).toBe('bobXnormanAhostmailXcom');
    expect(emailTokenEnds('bobXnormanAhostmailXcom')).toEqual(['normanAhostmailXcom', 'hostmailXcom']);
    expect(emailToken('@hostmail.')).toBe('hostmail');
  });
});

import fc from 'fast-check';
import { matchableEmail } from './email-match.ts';

describe('an e-mail address to be matched', () => {
  it.each([
    ['Bob.Norman+crm@GMail.com', 'bobnorman@gmail.com'],
    ['bobnorman@googlemail.com', 'bobnorman@gmail.com'],
    ['bob.norman+crm@hotmail.com', 'bob.norman@hotmail.com'],
    ['bob-shop@yahoo.com', 'bob@yahoo.com'],
    ['bob.norman@me.com', 'bob.norman@icloud.com'],
    ['bob.norman+crm@acme.example', 'bob.norman+crm@acme.example'],
    ['10001@qq.com', '10001@qq.com'],
    ['+@gmail.com', '+@gmail.com'],
  ])('%s is %s', (raw, key) => {
    expect(matchableEmail(raw)?.key).toBe(key);
  });

  it('tells mailboxes of different providers apart', () => {
    expect(matchableEmail('bob@hotmail.com')?.key).not.toBe(matchableEmail('bob@outlook.com')?.key);
  });

  it.each([
    ['anna@mail.acme.co.uk', 'acme.co.uk'],
    ['anna@qq.com', null],
    ['anna@gmail.com', null],
  ])('%s belongs to the organisation %s', (raw, organisation) => {
    expect(matchableEmail(raw)?.organisation).toBe(organisation);
  });

  it.each(['info@acme.com', 'Sales2@acme.com', 'no-reply@acme.com', 'kefu@acme.cn', '客服@acme.cn'])(
    '%s is an office’s',
    (raw) => {
      expect(matchableEmail(raw)?.isRole).toBe(true);
    },
  );

  it('is a person’s otherwise, and nothing where there is no address', () => {
    expect(matchableEmail('infantino@acme.com')?.isRole).toBe(false);
    expect(matchableEmail('nobody')).toBeNull();
  });

  it('is the same when it is matched again', () => {
    fc.assert(
      fc.property(fc.emailAddress(), fc.constantFrom('gmail.com', 'proton.me', 'acme.com'), (address, domain) => {
        const once = matchableEmail(`${address.split('@')[0]}@${domain}`);
        expect(once && matchableEmail(once.key)?.key).toBe(once?.key);
      }),
    );
  });
});

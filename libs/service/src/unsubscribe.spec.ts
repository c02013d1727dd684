import { describe, expect, it } from '@jest/globals';
import { newId, secretsFrom } from '@throughline/event-sourcing';
import { unsubscribeLink, unsubscribeToken, unsubscriptionOf } from './unsubscribe.ts';

const secrets = secretsFrom('11'.repeat(32));
const what = { customerId: newId(), purpose: 'newsletter', channel: 'email' } as const;

describe('the token of an unsubscribe link', () => {
  it('says to us alone what it takes back', () => {
    const token = unsubscribeToken(secrets, what);
    expect(unsubscriptionOf(secrets, token)).toEqual(what);
    const { channel: _, ...everyChannel } = what;
    expect(unsubscriptionOf(secrets, unsubscribeToken(secrets, everyChannel))).toEqual(everyChannel);
    expect(Buffer.from(token, 'base64url').toString('latin1')).not.toContain(what.customerId);
    expect(unsubscriptionOf(secretsFrom('22'.repeat(32)), token)).toBeUndefined();
  });

  it('cannot be made up or changed', () => {
    const token = unsubscribeToken(secrets, what);
    const first = token.startsWith('A') ? 'B' : 'A';
    for (const other of ['', 'x', 'not a token', first + token.slice(1), token.slice(0, -4)]) {
      expect(unsubscriptionOf(secrets, other)).toBeUndefined();
    }
  });

  it('stands in a link to the public address', () => {
    expect(unsubscribeLink(secrets, 'https://crm.example.cn/', what)).toMatch(
      /^https:\/\/crm\.example\.cn\/unsubscribe\/[\w-]+$/,
    );
  });
});

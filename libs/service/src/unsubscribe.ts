import { contactChannels, type ContactChannel } from '@throughline/contracts';
import { open, seal, type Secrets } from '@throughline/event-sourcing';

/** What a link takes back: a record's permission for a purpose, through one channel or all of them. */
export type Unsubscription = { customerId: string; purpose: string; channel?: ContactChannel };

const use = 'unsubscribe';

/**
 * The token of a link for a message's foot. It is encrypted, so it names nobody to who sees it, and nobody can make one up. It
 * never expires: an old message has to keep its promise.
 */
export const unsubscribeToken = (secrets: Secrets, { customerId, purpose, channel }: Unsubscription): string =>
  seal(secrets.key(use), JSON.stringify([customerId, purpose, ...(channel ? [channel] : [])]), use).toString(
    'base64url',
  );

/** Undefined where the token is not one of ours. */
export function unsubscriptionOf(secrets: Secrets, token: string): Unsubscription | undefined {
  try {
    const sealed = Buffer.from(token, 'base64url');
    const [customerId, purpose, named] = JSON.parse(open(secrets.key(use), sealed, use).toString()) as [
      string,
      string,
      string?,
    ];
    const channel = contactChannels.find((one) => one === named);
    return { customerId, purpose, ...(channel && { channel }) };
  } catch {
    return undefined;
  }
}

/** @param gatewayUrl where the gateway is reached from outside */
export const unsubscribeLink = (secrets: Secrets, gatewayUrl: string, what: Unsubscription): string =>
  `${gatewayUrl.replace(/\/+$/, '')}/unsubscribe/${unsubscribeToken(secrets, what)}`;

/** The headers of a message that a mail program shows a button for (RFC 2369, RFC 8058). */
export const unsubscribeHeaders = (link: string): Record<string, string> => ({
  'List-Unsubscribe': `<${link}>`,
  'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
});

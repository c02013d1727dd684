import type { ConsentTextEvent } from '@throughline/contracts';
import { conflict, derivedId, invalid, type Decider } from '@throughline/event-sourcing';

export type ConsentText = Omit<ConsentTextEvent, 'type'>;
export type ConsentTextCommand = { type: 'PublishConsentText' } & ConsentText;

/** The stream of a purpose's texts. */
export const consentTextId = (purpose: string): string => derivedId('consent-text', purpose);

/**
 * The text that came along with a consent, where one did.
 *
 * @throws Refusal `invalid-consent` where it does not say which version in which language it is
 */
export function textAlong(given: { purpose: string } & Partial<ConsentText>): ConsentText | undefined {
  const { purpose, textVersion, language, text } = given;
  if (text === undefined) return undefined;
  if (textVersion !== undefined && language !== undefined) return { purpose, textVersion, language, text };
  const missing = Object.entries({ textVersion, language }).filter(([, value]) => value === undefined);
  throw invalid(
    'invalid-consent',
    missing.map(([path]) => ({ path, code: 'required' })),
  );
}

/**
 * True where the version was published already.
 *
 * @throws Refusal `consent-text-differs` where it says something else
 */
export function checkText(texts: readonly ConsentText[], { textVersion, language, text }: ConsentText): boolean {
  const before = texts.find((one) => one.textVersion === textVersion && one.language === language);
  if (before && before.text !== text) throw conflict('consent-text-differs');
  return before !== undefined;
}

/** The texts that people agree to. What a version says never changes: somebody agreed to it. */
export const consentText: Decider<
  readonly ConsentText[],
  ConsentTextCommand,
  ConsentTextEvent,
  { purposes: readonly { key: string }[] }
> = {
  category: 'consent-text',
  initial: [],

  decide(state, { type: _, ...text }, { rules }) {
    if (!rules.purposes.some(({ key }) => key === text.purpose)) {
      throw invalid('invalid-consent', [{ path: 'purpose', code: 'unknown-record' }]);
    }
    return checkText(state, text) ? [] : [{ type: 'ConsentTextPublished', ...text }];
  },

  evolve: (state, { type: _, ...text }) => [...state, text],
};

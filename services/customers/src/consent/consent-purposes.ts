import { isDeepStrictEqual } from 'node:util';
import { builtInPurposes, withPurpose, type ConsentPurpose, type ConsentPurposeEvent } from '@throughline/contracts';
import { derivedId, invalid, type Decider, type FieldError } from '@throughline/event-sourcing';

export type ConsentPurposeCommand = { type: 'DefineConsentPurpose' } & ConsentPurpose;

/** One stream holds them all: there are few, and whoever decides by one needs it as it is now. */
export const consentPurposesId = derivedId('consent-purposes');
const most = 100;

/** What consents are for. */
export const consentPurposes: Decider<readonly ConsentPurpose[], ConsentPurposeCommand, ConsentPurposeEvent> = {
  category: 'consent-purposes',
  initial: builtInPurposes,

  decide(state, { type: _, ...purpose }) {
    const errors: FieldError[] = [];
    for (const language of ['zh', 'en'] as const) {
      if (!purpose.label[language].trim()) errors.push({ path: `label.${language}`, code: 'required' });
    }
    const before = state.find(({ key }) => key === purpose.key);
    if (!before && state.length >= most) errors.push({ path: 'key', code: 'too-many' });
    if (errors.length > 0) throw invalid('invalid-consent-purpose', errors);
    const defined = { ...purpose, channels: [...new Set(purpose.channels)] };
    return isDeepStrictEqual(before, defined) ? [] : [{ type: 'ConsentPurposeDefined', ...defined }];
  },

  evolve: (state, { type: _, ...purpose }) => withPurpose(state, purpose),
};

import { describe, expect, it } from '@jest/globals';
import { builtInPurposes } from '@throughline/contracts';
import { scenario } from '@throughline/event-sourcing/scenario';
import { consentText, textAlong } from './consent-text.ts';

const given = scenario(consentText, { rules: { purposes: builtInPurposes } });

describe('the text of a consent', () => {
  const text = { purpose: 'newsletter', textVersion: '1', language: 'zh', text: '我同意。' };
  const published = { type: 'ConsentTextPublished', ...text } as const;

  it('is published once a version and language, and never changes', () => {
    given()
      .when({ type: 'PublishConsentText', ...text })
      .then(published);
    given(published)
      .when({ type: 'PublishConsentText', ...text })
      .thenNothing();
    given(published)
      .when({ type: 'PublishConsentText', ...text, text: '我不同意。' })
      .thenRefused('consent-text-differs');
    given(published)
      .when({ type: 'PublishConsentText', ...text, language: 'en', text: 'I agree.' })
      .then({ ...published, language: 'en', text: 'I agree.' });
  });

  it('belongs to a purpose that somebody defined', () => {
    given()
      .when({ type: 'PublishConsentText', ...text, purpose: 'unheard-of' })
      .thenRefused('invalid-consent');
  });

  it('says which version it is where it comes along with a consent', () => {
    expect(textAlong(text)).toEqual(text);
    expect(textAlong({ purpose: 'newsletter', textVersion: '1' })).toBeUndefined();
    expect(() => textAlong({ purpose: 'newsletter', text: '我同意。' })).toThrow('invalid-consent');
  });
});

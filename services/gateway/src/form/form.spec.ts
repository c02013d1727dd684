import { describe, it } from '@jest/globals';
import type { FormConsent } from '@throughline/contracts';
import { scenario } from '@throughline/event-sourcing/scenario';
import { form, type FormCommand, type FormSettings } from './form.ts';

const given = scenario(form);
const settings: FormSettings = {
  name: 'Tasting',
  title: { zh: '试饮' },
  fields: [{ field: 'name', required: true }, { field: 'custom.tea' }],
  origins: ['https://www.example.com'],
  active: true,
};
const make = (more: Partial<FormSettings> = {}): FormCommand => ({ type: 'MakeForm', key: 'k', ...settings, ...more });
const change = (changes: Partial<FormSettings>): FormCommand => ({ type: 'ChangeForm', changes });
const agreed = { text: { en: 'Yes' }, purposes: [{ purpose: 'newsletter' }], required: false };
const consent = (version: number, more: Partial<FormConsent> = {}) => ({ ...agreed, ...more, version });
const made = { type: 'FormMade', key: 'k', ...settings, consent: null } as const;

describe('a form', () => {
  it('is made, and its consent has a first version', () => {
    given()
      .when(make({ consent: agreed }))
      .then({ ...made, consent: consent(1) });
    given(made).when(make()).thenRefused('form-exists');
  });

  it('says everything that is wrong with it', () => {
    for (const wrong of [
      { title: {} },
      { consent: { ...agreed, text: { en: ' ' } } },
      { origins: ['https://example.com/'] },
      { origins: ['javascript:alert(1)'] },
      { fields: [{ field: 'ownerId' }, { field: 'name' }] },
      { fields: [{ field: 'name' }, { field: 'name' }] },
      { fields: [{ field: 'message' }] },
    ])
      given().when(make(wrong)).thenRefused('invalid-form');
  });

  it('changes what is named and differs; null clears it', () => {
    const before = { ...made, campaign: 'spring' };
    given(before)
      .when(change({ name: 'Tasting', campaign: null, active: false }))
      .then({ type: 'FormChanged', campaign: null, active: false });
    given(before)
      .when(change({ campaign: 'spring', title: { zh: '试饮' } }))
      .thenNothing();
  });

  it('counts the versions of its consent, and never uses one again', () => {
    const first = { ...made, consent: consent(1) };
    const other = { ...agreed, text: { en: 'Certainly' } };
    given(first)
      .when(change({ consent: agreed }))
      .thenNothing();
    given(first)
      .when(change({ consent: { ...agreed, required: true } }))
      .then({ type: 'FormChanged', consent: consent(1, { required: true }) });
    given(first)
      .when(change({ consent: other }))
      .then({ type: 'FormChanged', consent: consent(2, other) });
    given(first, { type: 'FormChanged', consent: null })
      .when(change({ consent: agreed }))
      .then({ type: 'FormChanged', consent: consent(2) });
  });

  it('can be archived, once, and then not changed', () => {
    given(made).when({ type: 'ArchiveForm' }).then({ type: 'FormArchived' });
    given(made, { type: 'FormArchived' }).when({ type: 'ArchiveForm' }).thenNothing();
    given(made, { type: 'FormArchived' })
      .when(change({ name: 'x' }))
      .thenRefused('form-archived');
    given()
      .when(change({ name: 'x' }))
      .thenRefused('form-not-found');
  });
});

import { type CustomerFields, type FormConsent, type FormEvent, type FormAgreement } from '@throughline/contracts';
import type { Decider, FieldError } from '@throughline/event-sourcing';
import type { CustomFields } from './custom-fields.ts';
import { askedFor, customerOf, fieldError, naming, textIn } from './form-fields.ts';
import type { Form } from './form.ts';

type FormSubmitted = Extract<FormEvent, { type: 'FormSubmitted' }>;

/** What was sent: texts by the names of the form's fields, and what stands beside them. */
export type Sent = {
  values: ReadonlyMap<string, string>;
  consent: boolean;
  /** Of the text that was shown, as far as that was said. */
  consentVersion?: number;
  /** Filled in by programs only: people do not see it. */
  trap: string;
  page?: string;
  utm: Readonly<Record<string, string>>;
  language: 'en' | 'zh';
};

export type SubmissionCommand = { type: 'SubmitForm'; submitted: Omit<FormSubmitted, 'type'> };

/** The same submission again changes nothing: it is there already. */
export const submission: Decider<boolean, SubmissionCommand, FormSubmitted> = {
  category: 'form-submission',
  initial: false,
  decide: (isThere, { submitted }) => (isThere ? [] : [{ ...submitted, type: 'FormSubmitted' }]),
  evolve: () => true,
};

/** Everything that is wrong with what was filled in. */
export function submissionErrors(
  { fields, consent }: Pick<Form, 'fields' | 'consent'>,
  sent: Pick<Sent, 'values' | 'consent' | 'consentVersion'>,
  now: string,
  custom: CustomFields = new Map(),
): FieldError[] {
  const errors: FieldError[] = [];
  const asked = new Set(fields.map(({ field }) => field));
  for (const { field, required } of fields) {
    const value = sent.values.get(field);
    if (value === undefined) {
      if (required) errors.push({ path: field, code: 'required' });
      continue;
    }
    const error = fieldError(field, value, now.slice(0, 10), custom);
    if (error) errors.push(error);
  }
  for (const field of sent.values.keys()) if (!asked.has(field)) errors.push({ path: field, code: 'unknown-field' });
  if (!naming.some((field) => sent.values.has(field))) {
    const missing = naming.filter((field) => asked.has(field) && !errors.some(({ path }) => path === field));
    errors.push(...missing.map((path) => ({ path, code: 'required' })));
  }
  if (consent?.required && !sent.consent) errors.push({ path: 'consent', code: 'required' });
  if (consent && sent.consent && (sent.consentVersion ?? consent.version) !== consent.version)
    errors.push({ path: 'consent', code: 'text-changed' });
  return errors;
}

/**
 * What rules have against a submission, as far as whoever sends it can mend it: the form asks for the field, and nothing else is
 * wrong with what was filled in there.
 *
 * @param broken by the fields of the customer
 */
export function ruleErrors(
  { fields }: Pick<Form, 'fields'>,
  broken: readonly FieldError[],
  errors: readonly FieldError[],
): FieldError[] {
  const asked = new Set(fields.map(({ field }) => field));
  return broken.flatMap((error) => {
    const path = askedFor(error.path, asked);
    return path === undefined || errors.some((one) => one.path === path) ? [] : [{ ...error, path }];
  });
}

/** What rules ask of every customer and the form of nobody: it is taken without. A name follows from whatever tells the person. */
export function unaskedRules({ fields }: Pick<Form, 'fields'>, broken: readonly FieldError[]): FieldError[] {
  const asked = new Set(fields.map(({ field }) => field));
  return broken.filter(({ path }) => path !== 'name' && askedFor(path, asked) === undefined);
}

/** The customer that would be made of what is right. */
export function customerFrom(
  form: Pick<Form, 'source' | 'channel' | 'campaign'>,
  { values, utm }: Pick<Sent, 'values' | 'utm'>,
  errors: readonly FieldError[] = [],
): CustomerFields {
  const wrong = new Set(errors.map(({ path }) => path));
  const campaign = utm['campaign'] ?? form.campaign;
  return {
    ...customerOf(new Map([...values].filter(([field]) => !wrong.has(field)))),
    source: form.source ?? 'web-form',
    channel: form.channel ?? 'web',
    ...(campaign && { campaign: campaign.slice(0, longestCampaign) }),
  };
}

/** The event of a submission that is in order. */
export function submittedOf(
  form: Pick<Form, 'consent' | 'source' | 'channel' | 'campaign'>,
  sent: Sent,
  about: { customerId: string; formId: string; addressHash: string },
): Omit<FormSubmitted, 'type'> {
  return {
    ...about,
    ...customerFrom(form, sent),
    ...(form.consent && sent.consent && { consents: consentsOf(form.consent, sent.language) }),
    language: sent.language,
    ...(sent.page !== undefined && { page: sent.page }),
    ...(Object.keys(sent.utm).length > 0 && { utm: { ...sent.utm } }),
  };
}

const longestCampaign = 200;

/** The text may be there in the other language only: what was read is what counts. */
const consentsOf = ({ purposes, version, text }: FormConsent, shown: 'en' | 'zh'): FormAgreement[] => {
  const language = textIn(text, shown)?.language ?? shown;
  return purposes.map((purpose) => ({ ...purpose, textVersion: version, language }));
};

export const spamReasons = ['trap', 'token', 'too-fast', 'links', 'repeated'] as const;
export type SpamReason = (typeof spamReasons)[number];

const leastMilliseconds = 2_000;
const mostLinks = 2;
const link = /https?:\/\/|www\.|\[url|<a\s/gi;

/**
 * Why it looks like spam, as far as it says so itself.
 *
 * @param served when the page was served to whom sends it: `forged` where its proof does not hold, undefined where there
 *   is none, as of other people's pages: those may hold no links
 */
export function spamReason(
  { values, trap }: Pick<Sent, 'values' | 'trap'>,
  served: Date | 'forged' | undefined,
  now: Date,
): SpamReason | undefined {
  if (trap !== '') return 'trap';
  if (served === 'forged') return 'token';
  if (served && now.getTime() - served.getTime() < leastMilliseconds) return 'too-fast';
  const links = [...values.values()].reduce((count, value) => count + (value.match(link)?.length ?? 0), 0);
  return links > (served ? mostLinks : 0) ? 'links' : undefined;
}

/** Long texts, which many people do not write alike: what tells a letter that is sent to everybody. */
export const repeatable = (values: ReadonlyMap<string, string>): string | undefined => {
  const texts = [...values.values()].filter((value) => value.length >= 40);
  return texts.length === 0 ? undefined : texts.map((text) => text.normalize('NFKC').replace(/\s+/g, ' ')).join('\n');
};

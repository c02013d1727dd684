import { createHash } from 'node:crypto';
import type { CustomFields } from './custom-fields.ts';
import {
  control,
  escaped,
  idOf,
  shownField,
  words,
  type Language,
  type ShownField,
  type Typed,
} from './form-controls.ts';
import { textIn } from './form-fields.ts';
import type { Form } from './form.ts';

/** Names of what stands beside the fields. */
export const beside = {
  trap: 'homepage',
  consent: 'consent',
  consentVersion: 'consentVersion',
  language: 'lang',
  page: 'page',
} as const;

export type ShownForm = {
  form: Pick<Form, 'title' | 'description' | 'fields' | 'consent'>;
  custom: CustomFields;
  language: Language;
  typed: Typed;
  consent: boolean;
  /** What goes back with the form unseen. */
  hidden: Readonly<Record<string, string>>;
  /** Field -> what is wrong with it, in the page's language. */
  errors: ReadonlyMap<string, string>;
};

const tag = { en: 'en', zh: 'zh-CN' };

const css = `body{margin:0;font:1rem/1.5 system-ui,"PingFang SC","Microsoft YaHei",sans-serif;color:#1b1f24;background:#fff}
main{max-width:36rem;margin:0 auto;padding:1.5rem}
label,legend{display:block;font-weight:600;margin-top:1rem}
fieldset{margin:0;padding:0;border:0}
fieldset label{font-weight:400;margin-top:.5rem}
input,select,textarea{box-sizing:border-box;width:100%;padding:.6rem;font:inherit;border:1px solid #6b7280;border-radius:.3rem}
input[type=checkbox]{width:auto;margin-right:.5rem}
.help{margin:.2rem 0;color:#4b5563}
.error{margin:.2rem 0;color:#b00020}
[aria-invalid=true]{border:2px solid #b00020}
:focus-visible{outline:3px solid #1d4ed8;outline-offset:2px}
[role=alert]{border:2px solid #b00020;border-radius:.3rem;padding:.5rem 1rem}
.trap{position:absolute;left:-9999px}
button{margin-top:1.5rem;padding:.7rem 1.5rem;font:inherit;color:#fff;background:#1d4ed8;border:0;border-radius:.3rem}`;
const cssHash = createHash('sha256').update(css).digest('base64');

/** Nothing but the page itself: no scripts, nothing from elsewhere. Only the form's sites may frame it. */
export const policyOf = ({ origins, redirect }: Pick<Form, 'origins' | 'redirect'>): string => {
  const onwards = redirect ? ` ${new URL(redirect).origin}` : '';
  const framing = origins.length > 0 ? `'self' ${origins.join(' ')}` : `'self'`;
  return `default-src 'none'; style-src 'sha256-${cssHash}'; form-action 'self'${onwards}; base-uri 'none'; frame-ancestors ${framing}`;
};

const page = (language: Language, title: string, body: string): string => `<!doctype html>
<html lang="${tag[language]}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex"><title>${escaped(title)}</title><style>${css}</style></head>
<body><main>${body}</main></body>
</html>`;

/** A page that only says something. */
export const messagePage = (language: Language, text: string): string =>
  page(language, text, `<h1>${escaped(text)}</h1>`);

/** The form as a page of its own, with what is wrong where it was sent and refused. */
export function formPage({ form, custom, language, typed, consent, hidden, errors }: ShownForm): string {
  const word = words[language];
  const fields = form.fields.map((field) => shownField(field, custom, language));
  const title = textIn(form.title, language)?.text ?? '';
  const description = form.description && textIn(form.description, language);
  const other = language === 'en' ? 'zh' : 'en';
  const agreement = form.consent && textIn(form.consent.text, language);
  const parts = [
    `<p><a href="${escaped(inLanguage(hidden[beside.page], other))}" lang="${tag[other]}" hreflang="${tag[other]}">${word.other}</a></p>`,
    `<h1>${escaped(title)}</h1>`,
    description ? `<p lang="${tag[description.language]}">${escaped(description.text)}</p>` : '',
    summary(fields, errors, language),
    `<form method="post" accept-charset="utf-8" novalidate>`,
    ...Object.entries({
      ...hidden,
      ...(form.consent && { [beside.consentVersion]: String(form.consent.version) }),
    }).map(([name, value]) => `<input type="hidden" name="${escaped(name)}" value="${escaped(value)}">`),
    `<div class="trap" aria-hidden="true"><label for="trap">${word.trap}</label>`,
    `<input id="trap" name="${beside.trap}" tabindex="-1" autocomplete="off"></div>`,
    ...fields.map((field) => control(field, { typed, error: errors.get(field.name), language })),
    form.consent && agreement
      ? consentBox(agreement, form.consent.required, consent, errors.get('consent'), language)
      : '',
    `<button type="submit">${word.send}</button>`,
    '</form>',
  ];
  return page(language, title, parts.join('\n'));
}

/** The same page in the other language, with the campaign that led to it. */
function inLanguage(address: string | undefined, language: Language): string {
  const query = new URLSearchParams(address?.split('?').slice(1).join('?'));
  query.set(beside.language, language);
  return `?${query.toString()}`;
}

function summary(fields: readonly ShownField[], errors: ShownForm['errors'], language: Language): string {
  if (errors.size === 0) return '';
  const items = [...errors].map(([path, message]) => {
    const field = fields.find(({ name }) => name === path);
    const text = field ? `${field.label}: ${message}` : message;
    return `<li><a href="#${idOf(path)}">${escaped(text)}</a></li>`;
  });
  return `<div role="alert"><p>${words[language].wrong}</p><ul>${items.join('')}</ul></div>`;
}

function consentBox(
  { text, language: written }: { text: string; language: Language },
  required: boolean,
  given: boolean,
  error: string | undefined,
  language: Language,
): string {
  const id = idOf('consent');
  const attributes = [
    given && 'checked',
    required && 'required',
    error && `aria-invalid="true" aria-describedby="${id}-error"`,
  ]
    .filter(Boolean)
    .join(' ');
  const mark = required ? ` (${words[language].required})` : '';
  return [
    `<label for="${id}" lang="${tag[written]}"><input type="checkbox" id="${id}" name="${beside.consent}" value="yes" ${attributes}>${escaped(text)}${mark}</label>`,
    error ? `<p class="error" id="${id}-error">${escaped(error)}</p>` : '',
  ].join('\n');
}

/** The same for programs that show it themselves. */
export const definitionOf = (
  { title, description, fields, consent }: ShownForm['form'],
  custom: CustomFields,
  language: Language,
) => {
  const about = description && textIn(description, language)?.text;
  const agreement = consent && textIn(consent.text, language)?.text;
  return {
    language,
    title: textIn(title, language)?.text ?? '',
    ...(about && { description: about }),
    fields: fields.map((field) => {
      const { name, kind, label, help, required, options } = shownField(field, custom, language);
      return { field: name, kind, label, ...(help && { help }), required, ...(options.length > 0 && { options }) };
    }),
    ...(consent && agreement && { consent: { text: agreement, version: consent.version, required: consent.required } }),
  };
};

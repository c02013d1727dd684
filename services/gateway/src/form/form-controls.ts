import type { FormField, FormText } from '@throughline/contracts';
import { moneyParts, type CustomFields } from './custom-fields.ts';
import { askedOf, textIn, type Asked, type Kind } from './form-fields.ts';

export type Language = 'en' | 'zh';

/** A field in the language of the page: what the form says of it, else what its definition says. */
export type ShownField = {
  name: string;
  kind: Kind;
  longest: number;
  autocomplete: string | undefined;
  label: string;
  help: string | undefined;
  required: boolean;
  options: readonly { value: string; label: string }[];
};

/** What was filled in, by the names of inputs. */
export type Typed = ReadonlyMap<string, readonly string[]>;

type State = { typed: Typed; error: string | undefined; language: Language };

export const words = {
  en: {
    required: 'required',
    send: 'Send',
    wrong: 'Please check:',
    trap: 'Leave this empty',
    other: '中文',
    choose: 'Please choose',
    amount: 'Amount',
    currency: 'Currency (such as CNY)',
  },
  zh: {
    required: '必填',
    send: '提交',
    wrong: '请检查：',
    trap: '请勿填写',
    other: 'English',
    choose: '请选择',
    amount: '金额',
    currency: '币种（如 CNY）',
  },
} as const;

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
export const escaped = (text: string): string => text.replace(/[&<>"']/g, (character) => entities[character] ?? '');

/** Where a link to a field leads: the first of its inputs. */
export const idOf = (field: string): string => `field-${escaped(field)}`;

export function shownField(field: FormField, custom: CustomFields, language: Language): ShownField {
  const { field: name } = field;
  const asked: Partial<Asked> = askedOf(name, custom) ?? {};
  const said = (text: FormText | undefined) => text && textIn(text, language)?.text;
  return {
    name,
    kind: asked.kind ?? 'text',
    longest: asked.longest ?? 0,
    autocomplete: asked.autocomplete,
    label: said(field.label) ?? said(asked.label) ?? name,
    help: said(field.help) ?? said(asked.help),
    required: Boolean(field.required || asked.required),
    options: (asked.options ?? []).map(({ value, label }) => ({ value, label: said(label) ?? value })),
  };
}

export function control(field: ShownField, state: State): string {
  if (field.kind === 'multi-choice') return group(field, state, checkboxes(field, state));
  if (field.kind === 'money') return group(field, state, money(field, state));
  const id = idOf(field.name);
  return [
    `<label for="${id}">${headingOf(field, state)}</label>`,
    help(field),
    field.kind === 'choice' || field.kind === 'boolean' ? select(field, state) : input(field, state),
    problem(field, state),
  ].join('\n');
}

const headingOf = ({ label, required }: ShownField, { language }: State): string =>
  `${escaped(label)}${required ? ` (${words[language].required})` : ''}`;

const help = (field: ShownField): string =>
  field.help ? `<p class="help" id="${idOf(field.name)}-help">${escaped(field.help)}</p>` : '';

const problem = ({ name }: ShownField, { error }: State): string =>
  error ? `<p class="error" id="${idOf(name)}-error">${escaped(error)}</p>` : '';

const joined = (attributes: readonly (string | false | undefined)[]): string => attributes.filter(Boolean).join(' ');

function describedBy(field: ShownField, { error }: State): string | false {
  const id = idOf(field.name);
  const described = joined([field.help && `${id}-help`, error && `${id}-error`]);
  return described !== '' && `aria-describedby="${described}"`;
}

const attributesOf = (field: ShownField, state: State): string =>
  joined([field.required && 'required', describedBy(field, state), state.error && 'aria-invalid="true"']);

function input(field: ShownField, state: State): string {
  const { name, kind, longest, autocomplete } = field;
  const value = escaped(state.typed.get(name)?.at(-1) ?? '');
  const attributes = joined([
    `id="${idOf(name)}" name="${escaped(name)}" maxlength="${longest}"`,
    // An input of type number would give back nothing of what is no number.
    kind === 'number' && 'inputmode="decimal"',
    autocomplete && `autocomplete="${autocomplete}"`,
    attributesOf(field, state),
  ]);
  if (kind === 'long') return `<textarea ${attributes} rows="5">\n${value}</textarea>`;
  return `<input type="${kind === 'number' ? 'text' : kind}" ${attributes} value="${value}">`;
}

function select(field: ShownField, state: State): string {
  const chosen = state.typed.get(field.name)?.at(-1);
  const options = field.options.map(
    ({ value, label }) =>
      `<option value="${escaped(value)}"${value === chosen ? ' selected' : ''}>${escaped(label)}</option>`,
  );
  return [
    `<select ${joined([`id="${idOf(field.name)}" name="${escaped(field.name)}"`, attributesOf(field, state)])}>`,
    `<option value="">${words[state.language].choose}</option>`,
    ...options,
    '</select>',
  ].join('\n');
}

/** Several inputs that are one field. */
const group = (field: ShownField, state: State, inputs: readonly string[]): string =>
  [
    `<fieldset ${joined([`id="${idOf(field.name)}-group"`, describedBy(field, state)])}>`,
    `<legend>${headingOf(field, state)}</legend>`,
    help(field),
    ...inputs,
    problem(field, state),
    '</fieldset>',
  ].join('\n');

function checkboxes({ name, options }: ShownField, { typed, error }: State): string[] {
  return options.map(({ value, label }, index) => {
    const id = index === 0 ? idOf(name) : `${idOf(name)}-${index}`;
    const attributes = joined([
      `id="${id}" name="${escaped(name)}" value="${escaped(value)}"`,
      typed.get(name)?.includes(value) && 'checked',
      error && 'aria-invalid="true"',
    ]);
    return `<label for="${id}"><input type="checkbox" ${attributes}>${escaped(label)}</label>`;
  });
}

function money(field: ShownField, { typed, error, language }: State): string[] {
  const { name, longest, required } = field;
  const { amount, currency } = moneyParts(name);
  const marks = joined([required && 'required', error && 'aria-invalid="true"']);
  const part = (id: string, label: string, attributes: string, value = '') => [
    `<label for="${id}">${label}</label>`,
    `<input type="text" ${joined([`id="${id}"`, attributes, marks, `value="${escaped(value)}"`])}>`,
  ];
  const typedIn = (one: string) => typed.get(one)?.at(-1);
  return [
    ...part(
      idOf(name),
      words[language].amount,
      `name="${escaped(amount)}" maxlength="${longest}" inputmode="decimal"`,
      typedIn(amount) ?? typedIn(name),
    ),
    ...part(
      idOf(currency),
      words[language].currency,
      `name="${escaped(currency)}" maxlength="3" autocomplete="transaction-currency"`,
      typedIn(currency),
    ),
  ];
}

import type { CustomerFields, FieldOption, FieldType, FormText } from '@throughline/contracts';
import type { FieldError } from '@throughline/event-sourcing';
import { normaliseEmail } from '@throughline/language';
import { customKey, type CustomField, type CustomFields } from './custom-fields.ts';

export type Kind =
  | 'text'
  | 'email'
  | 'tel'
  | 'date'
  | 'long'
  | Extract<FieldType, 'number' | 'money' | 'choice' | 'multi-choice' | 'boolean'>;
export type Asked = {
  kind: Kind;
  longest: number;
  label: FormText;
  autocomplete?: string;
  help?: FormText;
  /** Whether its definition asks for it, whatever the form does. */
  required?: boolean;
  options?: readonly FieldOption[];
};

/** What every form can ask for. Everything is sent as a text. */
const askable: Readonly<Record<string, Asked>> = {
  name: { kind: 'text', longest: 500, label: { en: 'Name', zh: '姓名' }, autocomplete: 'name' },
  givenName: { kind: 'text', longest: 500, label: { en: 'Given name', zh: '名' }, autocomplete: 'given-name' },
  familyName: { kind: 'text', longest: 500, label: { en: 'Family name', zh: '姓' }, autocomplete: 'family-name' },
  companyName: { kind: 'text', longest: 500, label: { en: 'Company', zh: '公司' }, autocomplete: 'organization' },
  title: { kind: 'text', longest: 200, label: { en: 'Position', zh: '职位' }, autocomplete: 'organization-title' },
  department: { kind: 'text', longest: 200, label: { en: 'Department', zh: '部门' } },
  email: { kind: 'email', longest: 320, label: { en: 'E-mail', zh: '邮箱' }, autocomplete: 'email' },
  phone: { kind: 'tel', longest: 100, label: { en: 'Phone', zh: '电话' }, autocomplete: 'tel' },
  wechat: { kind: 'text', longest: 200, label: { en: 'WeChat', zh: '微信' } },
  country: { kind: 'text', longest: 100, label: { en: 'Country', zh: '国家' }, autocomplete: 'country' },
  province: { kind: 'text', longest: 100, label: { en: 'Province', zh: '省份' }, autocomplete: 'address-level1' },
  city: { kind: 'text', longest: 100, label: { en: 'City', zh: '城市' }, autocomplete: 'address-level2' },
  street: { kind: 'text', longest: 500, label: { en: 'Street', zh: '街道地址' }, autocomplete: 'street-address' },
  postcode: { kind: 'text', longest: 20, label: { en: 'Postcode', zh: '邮编' }, autocomplete: 'postal-code' },
  industry: { kind: 'text', longest: 100, label: { en: 'Industry', zh: '行业' } },
  size: { kind: 'text', longest: 100, label: { en: 'Company size', zh: '公司规模' } },
  region: { kind: 'text', longest: 100, label: { en: 'Region', zh: '地区' } },
  birthDate: { kind: 'date', longest: 10, label: { en: 'Date of birth', zh: '出生日期' }, autocomplete: 'bday' },
  gender: { kind: 'text', longest: 50, label: { en: 'Gender', zh: '性别' } },
  message: { kind: 'long', longest: 5_000, label: { en: 'Message', zh: '留言' } },
};

/** By any of these a person can be told: at least one has to be filled in. */
export const naming: readonly string[] = ['name', 'givenName', 'familyName', 'companyName', 'email', 'phone', 'wechat'];

export const isAsked = (field: string): boolean => askedOf(field) !== undefined;

/** @param custom the definitions of custom fields, as far as they are known */
export function askedOf(field: string, custom: CustomFields = new Map()): Asked | undefined {
  if (Object.hasOwn(askable, field)) return askable[field];
  const key = customKey(field);
  if (key === undefined) return undefined;
  const defined = custom.get(key);
  return defined ? askedAs(defined) : { kind: 'text', longest: longestCustom, label: { en: key, zh: key } };
}

const longestCustom = 1_000;
/** Of a list that holds every option there may be. */
const longestChoice = 50_000;
const truths: readonly FieldOption[] = [
  { value: 'true', label: { en: 'Yes', zh: '是' } },
  { value: 'false', label: { en: 'No', zh: '否' } },
];

/** Who fills in a form is a person. */
function askedAs({ type, label, help, required, options, retired }: CustomField): Asked {
  const choices = type === 'boolean' ? truths : options.filter((option) => !option.retired);
  return {
    kind: type === 'reference' ? 'text' : type,
    longest: type === 'multi-choice' ? longestChoice : longestCustom,
    label,
    ...(help && { help }),
    required: required.includes('person') && !retired,
    ...(choices.length > 0 && { options: choices }),
  };
}

/** A text in the wanted language, else in the other one. */
export function textIn({ en, zh }: FormText, wanted: 'en' | 'zh'): { text: string; language: 'en' | 'zh' } | undefined {
  const texts = { en: en?.trim(), zh: zh?.trim() };
  const language = texts[wanted] ? wanted : wanted === 'en' ? 'zh' : 'en';
  const text = texts[language];
  return text ? { text, language } : undefined;
}

/** Why customers would not take the value, if they would not. Whether it is of a custom field's type is theirs to say. */
export function fieldError(
  field: string,
  value: string,
  today: string,
  custom: CustomFields = new Map(),
): FieldError | undefined {
  const { kind, longest } = askedOf(field, custom) ?? { kind: 'text', longest: 0 };
  if (value.length > longest) return { path: field, code: 'too-long' };
  if (value.includes('\0') || !value.isWellFormed()) return { path: field, code: 'invalid-text' };
  if (kind === 'email' && !normaliseEmail(value).address) return { path: field, code: 'wrong-type' };
  if (kind === 'tel' && !/\d/.test(value.normalize('NFKC'))) return { path: field, code: 'wrong-type' };
  if (field === 'birthDate' && !isRealDate(value)) return { path: field, code: 'impossible-date' };
  if (field === 'birthDate' && value > today) return { path: field, code: 'in-the-future' };
  return undefined;
}

const placesOf: Readonly<Record<string, readonly string[]>> = {
  emails: ['email'],
  phones: ['phone'],
  socials: ['wechat'],
  addresses: ['country', 'province', 'city', 'street', 'postcode'],
};

/** What a form asks for to fill a field of the customer, such as `emails.0.value`; undefined where it asks for nothing of the kind. */
export function askedFor(path: string, asked: ReadonlySet<string>): string | undefined {
  const [field = '', key = ''] = path.split('.');
  const names =
    field === 'custom' ? [`custom.${key}`, ...(key === 'message' ? [key] : [])] : (placesOf[field] ?? [field]);
  return names.find((name) => asked.has(name));
}

const isRealDate = (text: string): boolean => {
  const at = new Date(`${text}T00:00:00Z`);
  return /^(?!0000)\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(at.getTime()) && at.toISOString().startsWith(text);
};

const plain = ['name', 'givenName', 'familyName', 'companyName', 'title', 'department'] as const;
const classes = ['industry', 'size', 'region', 'birthDate', 'gender'] as const;

/** What was filled in, as fields of a customer. */
export function customerOf(values: ReadonlyMap<string, string>): CustomerFields {
  const named = (names: readonly string[]) =>
    Object.fromEntries(names.flatMap((name) => (values.has(name) ? [[name, values.get(name)]] : [])));
  const [email, phone, wechat] = ['email', 'phone', 'wechat'].map((name) => values.get(name));
  const address = named(placesOf['addresses'] ?? []);
  const custom = Object.fromEntries(
    [...values].flatMap(([field, value]) => {
      const name = field === 'message' ? field : customKey(field);
      return name === undefined ? [] : [[name, value]];
    }),
  );
  const { givenName, familyName, companyName } = Object.fromEntries(values) as Record<string, string | undefined>;
  // A record has a name; where none was asked for, it is what there is.
  const name = values.has('name') || givenName || familyName || companyName ? undefined : (email ?? phone ?? wechat);
  return {
    ...named([...plain, ...classes]),
    ...(name !== undefined && { name }),
    ...(email !== undefined && { emails: [{ value: email, primary: true }] }),
    ...(phone !== undefined && { phones: [{ value: phone, primary: true }] }),
    ...(wechat !== undefined && { socials: [{ network: 'wechat', value: wechat }] }),
    ...(Object.keys(address).length > 0 && { addresses: [address] }),
    ...(Object.keys(custom).length > 0 && { custom }),
  };
}

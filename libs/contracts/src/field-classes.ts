import { Type } from 'typebox';
import { customerFields, type CustomerField } from './customers.ts';
import type { Bilingual } from './consent.ts';
import { described, event, type EventOf } from './event.ts';
import { OneOf } from './money.ts';

export const fieldClasses = ['normal', 'sensitive'] as const;
/** Sensitive: what harms a person when it leaks (PIPL article 28, GDPR article 9). */
export type FieldClass = (typeof fieldClasses)[number];

export const fieldGroups = [
  'identity',
  'contact',
  'work',
  'person',
  'classification',
  'origin',
  'needs',
  'word-of-mouth',
  'custom',
] as const;
export type FieldGroup = (typeof fieldGroups)[number];

export const fieldClassEvents = {
  FieldClassed: event(
    'field-classes',
    {
      field: described(Type.String(), 'The field of a customer, `custom.<name>` where it is the installation’s own.'),
      class: OneOf(fieldClasses),
    },
    { description: 'A field of customers was classed otherwise than before.' },
  ),
};
export type FieldClassEvent = EventOf<typeof fieldClassEvents>;

export type ClassedField = {
  /** As the API names it. */
  field: string;
  group: FieldGroup;
  label: Bilingual;
  /** Whether it says something of a person: it is encrypted, and erased with the person. */
  personal: boolean;
  class: FieldClass;
};

type Described = readonly [group: FieldGroup, zh: string, en: string, sensitive?: 'sensitive'];
const descriptions: Record<Exclude<CustomerField, 'custom'>, Described> = {
  kind: ['identity', '个人或公司', 'Person or company'],
  name: ['identity', '名称', 'Name'],
  givenName: ['identity', '名', 'Given name'],
  familyName: ['identity', '姓', 'Family name'],
  companyName: ['work', '公司名称', 'Company'],
  registrationNumber: ['work', '统一社会信用代码', 'Registration number'],
  title: ['work', '职位', 'Position'],
  department: ['work', '部门', 'Department'],
  standing: ['work', '决策地位', 'Decision standing'],
  employerId: ['work', '任职公司', 'Employer'],
  parentId: ['work', '上级公司', 'Parent company'],
  emails: ['contact', '电子邮件', 'E-mail addresses'],
  phones: ['contact', '电话', 'Phone numbers'],
  addresses: ['contact', '地址', 'Addresses'],
  socials: ['contact', '社交账号', 'Social accounts'],
  customerType: ['classification', '客户类型', 'Type'],
  source: ['origin', '来源', 'Source'],
  channel: ['origin', '渠道', 'Channel'],
  campaign: ['origin', '营销活动', 'Campaign'],
  industry: ['classification', '行业', 'Industry'],
  size: ['classification', '规模', 'Size'],
  region: ['classification', '地区', 'Region'],
  birthDate: ['person', '出生日期', 'Date of birth', 'sensitive'],
  gender: ['person', '性别', 'Gender', 'sensitive'],
  tags: ['classification', '标签', 'Tags'],
  ownerId: ['classification', '负责人', 'Looked after by'],
  lifecycle: ['classification', '生命周期阶段', 'Life cycle stage'],
  productNeeds: ['needs', '产品需求', 'Product needs'],
  servicePreference: ['needs', '服务偏好', 'Service preference'],
  productInterests: ['needs', '产品兴趣', 'Product interests'],
  hobbies: ['needs', '兴趣', 'Hobbies'],
  competitors: ['needs', '竞争对手', 'Competitors'],
  review: ['word-of-mouth', '客户评价', 'Review'],
  referredBy: ['word-of-mouth', '推荐人', 'Referred by'],
  referralChannel: ['word-of-mouth', '推荐渠道', 'Referral channel'],
};

const isPersonal = (field: CustomerField): boolean => 'personal' in customerFields[field];

/** Every field of a customer that comes with the product. A product that gains a field has to class it: this would not compile. */
export const builtInFields: readonly ClassedField[] = Object.entries(descriptions).map(
  ([field, [group, zh, en, sensitive]]) => ({
    field: field === 'customerType' ? 'type' : field,
    group,
    label: { zh, en },
    personal: isPersonal(field as CustomerField),
    class: sensitive ?? 'normal',
  }),
);

/** Numbers of papers and of accounts, health, faith, money: by the names that people give to such fields. */
const sensitiveNames =
  /身份证|护照|证件|银行|卡号|健康|疾病|病史|宗教|民族|收入|工资|生物|id[ _-]?card|national[ _-]?id|passport|ssn|tax[ _-]?id|iban|bank|health|disease|religion|ethnic|salary|income|biometric/i;

const customPrefix = 'custom.';
export const isCustomField = (field: string): boolean => field.startsWith(customPrefix) && field !== customPrefix;

/** What a field is, where nobody said otherwise; undefined where customers have no such field. */
export function fieldOf(field: string): ClassedField | undefined {
  if (!isCustomField(field)) return builtInFields.find((one) => one.field === field);
  const name = field.slice(customPrefix.length);
  return {
    field,
    group: 'custom',
    label: { zh: name, en: name },
    personal: true,
    class: sensitiveNames.test(name) ? 'sensitive' : 'normal',
  };
}

/** Field -> the class that an administrator gave to it. */
export type FieldClasses = Readonly<Record<string, FieldClass>>;

export const classOf = (field: string, classes: FieldClasses): FieldClass =>
  (Object.hasOwn(classes, field) ? classes[field] : fieldOf(field)?.class) ?? 'normal';

/** All fields that come with the product, and those of the installation that somebody classed. */
export const catalogue = (classes: FieldClasses): ClassedField[] => [
  ...builtInFields.map((one) => ({ ...one, class: classOf(one.field, classes) })),
  ...Object.keys(classes)
    .filter(isCustomField)
    .sort()
    .flatMap((field) => fieldOf(field) ?? [])
    .map((one) => ({ ...one, class: classOf(one.field, classes) })),
];

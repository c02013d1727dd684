import {
  builtInLifecycle,
  customerColumnLabels,
  ownColumnLabels,
  permissionLabels,
  type Lifecycle,
} from '@throughline/contracts';
import type { CustomerRules } from '../customer/customer-rules.ts';
import { partedFields } from '../customer/customer-fields.ts';
import type { LinkField } from '../customer/customer-links.ts';
import { standingOptions } from '../field/built-in-fields.ts';
import type { FieldDefinition } from '../field/field-set.ts';
import type { Choice } from './choice-cell.ts';

/** How the cells of a field are read. */
export type ImportFieldKind =
  | 'text'
  /** A number or an id of digits: a spreadsheet's 1.38E+10 is none. */
  | 'code'
  | 'kind'
  /** One of some values, by itself or by its name. */
  | 'choice'
  | 'emails'
  | 'phones'
  | 'tags'
  | 'date'
  | 'instant'
  | 'address'
  | 'social'
  /** Another customer, by whatever tells which one. */
  | 'relation'
  /** What one part of a field says: `servicePreference.times`. */
  | 'part'
  | 'grade'
  /** Whom one may write to: an exported table shows it, and cannot change it. */
  | 'permission'
  | 'custom';

/** A field that a column can be mapped to. */
export type ImportField = {
  field: string;
  kind: ImportFieldKind;
  label: { en: string; zh: string };
  /** What such columns are called otherwise. */
  aliases?: readonly string[];
  /** Of a choice. */
  choices?: readonly Choice[];
  /** Whether it may be something else as well, as in other ways in. */
  takesOthers?: boolean;
  /** Of a field of the installation's own: how its cells are read. */
  custom?: FieldDefinition;
};

/** A field whose cells name other customers. */
export type RelationField = LinkField | `custom.${string}`;

const of = (field: string, kind: ImportFieldKind, ...aliases: string[]): ImportField => ({
  field,
  kind,
  label: customerColumnLabels[field] ?? { en: field, zh: field },
  aliases,
});

const choice = (field: string, choices: readonly Choice[], ...aliases: string[]): ImportField => ({
  ...of(field, 'choice', ...aliases),
  choices,
});

const types: readonly Choice[] = [
  { value: 'potential', label: { en: 'Potential', zh: '潜在客户' } },
  { value: 'new', label: { en: 'New', zh: '新客户' } },
  { value: 'existing', label: { en: 'Existing', zh: '老客户' } },
];
const stagesOf = ({ stages }: Lifecycle): Choice[] => stages.map(({ key, label }) => ({ value: key, label }));

/** An exported table has the id there. */
const relation = (field: LinkField, en: string, zh: string, ...aliases: string[]): ImportField => {
  const exported = customerColumnLabels[field];
  return {
    field,
    kind: 'relation',
    label: { en, zh },
    aliases: [...(exported ? Object.values(exported) : []), ...aliases],
  };
};

/** The built-in fields of customers, in the order of the template. */
export const customerImportFields: readonly ImportField[] = [
  of(
    'name',
    'text',
    '客户名称',
    '客户姓名',
    '客户',
    '名称',
    '联系人',
    '联系人姓名',
    'full name',
    'customer',
    'customer name',
    'contact',
    'contact name',
    'display name',
  ),
  of('familyName', 'text', '姓氏', 'last name', 'surname', 'lastname'),
  of('givenName', 'text', '名字', 'first name', 'forename', 'firstname'),
  of('kind', 'kind', '个人/企业', 'person or company'),
  of(
    'companyName',
    'text',
    '公司名称',
    '公司名',
    '企业',
    '企业名称',
    '单位',
    '单位名称',
    '工作单位',
    'company name',
    'organization',
    'organisation',
    'employer',
    'account',
    'account name',
  ),
  of(
    'registrationNumber',
    'code',
    '信用代码',
    '社会信用代码',
    '税号',
    '纳税人识别号',
    '注册号',
    'uscc',
    'tax number',
    'tax id',
    'vat number',
    'company number',
  ),
  of('title', 'text', '职位', '岗位', 'job title', 'position'),
  of('department', 'text', 'dept'),
  choice('standing', standingOptions, '决策角色', '决策权', '采购角色', 'decision role', 'buying role'),
  relation('employerId', 'Works for', '任职公司', '所属公司', '所在公司', 'works at'),
  relation('parentId', 'Parent company', '上级公司', '母公司', '总公司', 'belongs to', 'parent account', 'parent'),
  of(
    'phones',
    'phones',
    '电话',
    '手机号',
    '手机号码',
    '电话号码',
    '联系电话',
    '联系方式',
    '移动电话',
    '座机',
    '固定电话',
    'mobile',
    'mobile phone',
    'cell',
    'cell phone',
    'cellphone',
    'telephone',
    'tel',
    'phone number',
    'phones',
    'work phone',
    'home phone',
  ),
  of(
    'emails',
    'emails',
    '电子邮箱',
    '电子邮件',
    '邮件',
    '邮箱地址',
    '邮件地址',
    'e-mail',
    'mail',
    'email address',
    'emails',
    'work email',
  ),
  of('address.country', 'address', '国家/地区', '国别', 'country/region', 'nation'),
  of('address.province', 'address', '省份', '省/市', '省/直辖市', 'state', 'state/province', 'county'),
  of('address.city', 'address', '城市', '地级市', 'town'),
  of('address.district', 'address', '区县', '区/县', '县', '县区'),
  of('address.street', 'address', '街道地址', '门牌号', 'street address', 'address line 1', 'address1'),
  of('address.postcode', 'address', '邮政编码', 'zip', 'zip code', 'postal code', 'zipcode', 'zip/postal code'),
  of('address', 'address', '地址', '通讯地址', '联系地址', '公司地址', '收货地址', 'full address', 'mailing address'),
  of('socials.wechat', 'social', '微信号', 'wechat id'),
  of('socials.qq', 'social', 'QQ号码'),
  { ...choice('type', types, '类型', 'customer type'), takesOthers: true },
  of('source', 'text', '客户来源', '渠道来源', 'lead source'),
  of('channel', 'text', '获客渠道'),
  of('campaign', 'text', '市场活动', '推广活动'),
  of('industry', 'text', '所属行业'),
  of('size', 'text', '公司规模', '企业规模', '人员规模', 'company size', 'employees'),
  of('region', 'text', '区域', '大区', 'territory', 'sales region'),
  of('birthDate', 'date', '出生日期', '出生年月', 'birthday', 'date of birth', 'dob'),
  of('gender', 'text', 'sex'),
  of('tags', 'tags', '客户标签', 'tag', 'labels'),
  choice('lifecycle', stagesOf(builtInLifecycle), '客户阶段', '阶段', 'lifecycle', 'stage'),
  of('productNeeds.function', 'part', '功能要求', 'function needed', 'required function'),
  of('productNeeds.performance', 'part', '性能要求', 'performance needed', 'required performance'),
  of('productNeeds.price', 'part', '价格要求', '预期价格', 'price needed', 'target price'),
  of('servicePreference.channel', 'part', '服务渠道', '服务方式', 'service channel', 'preferred channel'),
  of('servicePreference.times', 'part', '服务时间', '方便时间', 'service times', 'preferred times'),
  of('productInterests', 'tags', '意向产品', '感兴趣的产品', 'product interest', 'interested in'),
  of('hobbies', 'tags', '兴趣', '爱好', 'hobby', 'interests'),
  of('review.satisfaction', 'grade', '客户满意度', '满意度评分', 'customer satisfaction', 'satisfaction score'),
  of('review.suggestion', 'part', '客户建议', '意见建议', 'suggestions', 'customer suggestion'),
  relation('referredBy', 'Referred by', '推荐人', '介绍人', 'recommended by', 'referrer'),
  of('referralChannel', 'text', '推荐途径', 'recommended through'),
  of('ownerId', 'text', 'owner id'),
  of('number', 'code', '编号', 'number', 'customer no', 'customer id'),
  of('externalId', 'code', '外部ID', 'external key', 'source id', 'member id', '会员号', '会员编号'),
  of(
    'createdAt',
    'instant',
    '创建日期',
    '录入时间',
    '登记时间',
    '注册时间',
    'created',
    'created at',
    'created date',
    'creation date',
    'create time',
    'date created',
  ),
  of('id', 'code', '记录标识', 'id'),
  of('version', 'code', 'version'),
  ...Object.keys(permissionLabels).map((field) => of(field, 'permission')),
];

/** With the installation's own stages, and its own fields that are in use: columns can be named as they are. */
export function importFields({
  fieldSet,
  lifecycle,
}: Pick<CustomerRules, 'fieldSet' | 'lifecycle'>): readonly ImportField[] {
  const own = Object.values(fieldSet.fields).filter(({ retired }) => !retired);
  const labels = ownColumnLabels(own);
  return [
    ...customerImportFields.map((one) => (one.field === 'lifecycle' ? { ...one, choices: stagesOf(lifecycle) } : one)),
    ...own.map((custom): ImportField => {
      const { key, label } = custom;
      const named = labels.get(key) ?? { en: key, zh: key };
      const aliases = [key, ...Object.values(label ?? {})];
      const kind = custom.target === 'customer' ? 'relation' : 'custom';
      return { field: `custom.${key}`, kind, label: named, aliases, custom };
    }),
  ];
}

/** The field of that name, also `custom.<key>` and `socials.<network>`. */
export function importFieldOf(fields: readonly ImportField[], field: string): ImportField | undefined {
  const found = fields.find((one) => one.field === field);
  if (found) return found;
  const [, group, key] = /^(custom|socials)\.([^.]{1,100})$/.exec(field) ?? [];
  if (!group || !key) return undefined;
  return { field, kind: group === 'custom' ? 'custom' : 'social', label: { en: key, zh: key } };
}

/** A field of parts, each in a column of its own. */
export const isParted = (field: string): boolean => partedFields.some((one) => one === field);

/** A column that says whom one may write to. */
export const isPermission = (field: string): boolean => Object.hasOwn(permissionLabels, field);

/** Their names in the bodies of customers: `phones` of `phones`, `addresses` of `address.city`. */
export const recordFieldOf = (field: string): string =>
  field.startsWith('address') ? 'addresses' : (field.split('.', 1)[0] as string);

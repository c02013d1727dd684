import type { Translated } from './fields.ts';
import type { Permissions } from './consent-ledger.ts';
import type { Address, Email, Phone, Social } from './customers.ts';

/** Columns that say whom one may write to: consents alone change that. */
export const permissionLabels: Readonly<Record<keyof Permissions, { en: string; zh: string }>> = {
  doNotContact: { en: 'Do not contact', zh: '请勿联系' },
  marketingEmail: { en: 'Marketing by email', zh: '邮件营销许可' },
  marketingPhone: { en: 'Marketing by phone', zh: '电话营销许可' },
  marketingSms: { en: 'Marketing by SMS', zh: '短信营销许可' },
  marketingMessenger: { en: 'Marketing by messenger', zh: '即时通讯营销许可' },
  marketingPost: { en: 'Marketing by post', zh: '邮寄营销许可' },
  consents: { en: 'Consents', zh: '已同意' },
  optOuts: { en: 'Opt-outs', zh: '已拒绝' },
};

/** What the columns of a table of customers are called, by field. */
export const customerColumnLabels: Readonly<Record<string, { en: string; zh: string }>> = {
  name: { en: 'Name', zh: '姓名' },
  familyName: { en: 'Family name', zh: '姓' },
  givenName: { en: 'Given name', zh: '名' },
  kind: { en: 'Kind', zh: '客户性质' },
  companyName: { en: 'Company', zh: '公司' },
  registrationNumber: { en: 'Registration number', zh: '统一社会信用代码' },
  title: { en: 'Title', zh: '职务' },
  department: { en: 'Department', zh: '部门' },
  standing: { en: 'Decision standing', zh: '决策地位' },
  employerId: { en: 'Employer id', zh: '任职公司标识' },
  parentId: { en: 'Parent company id', zh: '上级公司标识' },
  phones: { en: 'Phone', zh: '手机' },
  emails: { en: 'Email', zh: '邮箱' },
  'address.country': { en: 'Country', zh: '国家' },
  'address.province': { en: 'Province', zh: '省' },
  'address.city': { en: 'City', zh: '市' },
  'address.district': { en: 'District', zh: '区' },
  'address.street': { en: 'Street', zh: '街道' },
  'address.postcode': { en: 'Postcode', zh: '邮编' },
  address: { en: 'Address', zh: '详细地址' },
  'socials.wechat': { en: 'WeChat', zh: '微信' },
  'socials.qq': { en: 'QQ', zh: 'QQ号' },
  type: { en: 'Type', zh: '客户类型' },
  source: { en: 'Source', zh: '来源' },
  channel: { en: 'Channel', zh: '渠道' },
  campaign: { en: 'Campaign', zh: '活动' },
  industry: { en: 'Industry', zh: '行业' },
  size: { en: 'Size', zh: '规模' },
  region: { en: 'Region', zh: '地区' },
  birthDate: { en: 'Birth date', zh: '生日' },
  gender: { en: 'Gender', zh: '性别' },
  tags: { en: 'Tags', zh: '标签' },
  lifecycle: { en: 'Lifecycle stage', zh: '生命周期' },
  'productNeeds.function': { en: 'Needed function', zh: '功能需求' },
  'productNeeds.performance': { en: 'Needed performance', zh: '性能需求' },
  'productNeeds.price': { en: 'Needed price', zh: '价格需求' },
  'servicePreference.channel': { en: 'Preferred service channel', zh: '偏好服务渠道' },
  'servicePreference.times': { en: 'Preferred service times', zh: '偏好服务时间' },
  productInterests: { en: 'Product interests', zh: '产品兴趣' },
  hobbies: { en: 'Hobbies', zh: '兴趣爱好' },
  'review.satisfaction': { en: 'Satisfaction', zh: '满意度' },
  'review.suggestion': { en: 'Suggestion', zh: '建议' },
  referredBy: { en: 'Referrer id', zh: '推荐人标识' },
  referralChannel: { en: 'Referral channel', zh: '推荐渠道' },
  ownerId: { en: 'Owner id', zh: '负责人标识' },
  ...permissionLabels,
  number: { en: 'Customer number', zh: '客户编号' },
  externalId: { en: 'External id', zh: '外部编号' },
  createdAt: { en: 'Created', zh: '创建时间' },
  id: { en: 'Record id', zh: '记录ID' },
  version: { en: 'Record version', zh: '记录版本' },
};

/** The columns of a table of customers, in their order; custom fields are `custom.<key>`. */
export const customerColumns: readonly string[] = [
  'id',
  'version',
  ...Object.keys(customerColumnLabels).filter((field) => !['id', 'version', 'externalId', 'address'].includes(field)),
];

/** Width, case, blanks and what marks a required column say nothing: `Phone 2 *` is `phone2`. */
export const foldedColumn = (name: string): string =>
  name
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[\s_\-*:：]+/g, '');

const builtInNames = new Set(
  Object.entries(customerColumnLabels).flatMap(([field, { en, zh }]) => [field, en, zh].map(foldedColumn)),
);

/** What the columns of the installation's own fields are called, by key: `Tea (tea2)` where another column is called so too. */
export function ownColumnLabels(
  fields: readonly { key: string; label?: Translated | undefined }[],
): ReadonlyMap<string, { en: string; zh: string }> {
  const plain = fields.map(({ key, label }) => ({
    key,
    en: label?.en ?? label?.zh ?? key,
    zh: label?.zh ?? label?.en ?? key,
  }));
  const namesOf = ({ key, en, zh }: (typeof plain)[number]) => new Set([key, en, zh].map(foldedColumn));
  const isShared = (name: string, own: string) =>
    builtInNames.has(foldedColumn(name)) ||
    plain.some((other) => other.key !== own && namesOf(other).has(foldedColumn(name)));
  return new Map(
    plain.map(({ key, en, zh }) => {
      const told = (name: string) => (isShared(name, key) ? `${name} (${key})` : name);
      return [key, { en: told(en), zh: told(zh) }];
    }),
  );
}

/** The fields of a customer, as they are answered. */
export type TabledCustomer = Readonly<Record<string, unknown>>;

/** What may stand between the entries of a list in one cell. */
const separators = ';；,，、|\n';
/** Names of accounts may hold a comma. */
const separatorsOfAccounts = ';；\n';

const ambiguous = new RegExp(`[${separators}]|^"|^\\s|\\s$`);
/** As in a CSV file: what could be taken for several entries, or for a quote. */
const quoted = (entry: string): string => (ambiguous.test(entry) ? `"${entry.replaceAll('"', '""')}"` : entry);

const listed = (entries: readonly { value: string }[]): string => entries.map(({ value }) => quoted(value)).join('; ');

function entriesBetween(between: string): (cell: string) => string[] {
  const [blank, inQuotes, end] = ['[^\\S\\n]*', '"([^"]*(?:""[^"]*)*)"', `(?:[${between}]|$)`];
  const entry = new RegExp(`${blank}${inQuotes}${blank}${end}|([^${between}]*)${end}`, 'y');
  return (cell) => {
    const entries: string[] = [];
    entry.lastIndex = 0;
    while (entry.lastIndex < cell.length) {
      const [, whole, plain = ''] = entry.exec(cell) ?? [];
      entries.push(whole?.replaceAll('""', '"') ?? plain.trim());
    }
    return entries.filter((one) => one !== '');
  };
}

/** The entries of a list that stand in one cell, as `customerCell` writes them or as people do. */
export const cellEntries = entriesBetween(separators);
export const cellAccounts = entriesBetween(separatorsOfAccounts);

/** The address that its columns show, of several. */
export const tabledAddress = ({ addresses }: TabledCustomer): Address | undefined => {
  const all = (addresses ?? []) as readonly Address[];
  return all.find(({ primary }) => primary) ?? all[0];
};

/** What stands in the cell of a field: text, empty where there is nothing. The same record gives the same cells. */
export function customerCell(record: TabledCustomer, field: string): string {
  const [group = '', key = ''] = field.split(/\.(.*)/s);
  const value = record[group];
  switch (group) {
    case 'emails':
    case 'phones':
      return listed((value ?? []) as readonly (Email | Phone)[]);
    case 'tags':
    case 'productInterests':
    case 'hobbies':
    case 'consents':
    case 'optOuts':
      return listed(((value ?? []) as readonly string[]).map((tag) => ({ value: tag })));
    case 'socials':
      return listed(((value ?? []) as readonly Social[]).filter(({ network }) => network === key));
    case 'address':
      return textOf((tabledAddress(record) as Record<string, unknown> | undefined)?.[key]);
    case 'custom':
      return ownText((value as Record<string, unknown> | undefined)?.[key]);
    default:
      return textOf(key === '' ? value : (value as Record<string, unknown> | undefined | null)?.[key]);
  }
}

function ownText(value: unknown): string {
  if (Array.isArray(value)) return listed(value.map((one) => ({ value: String(one) })));
  const { amount, currency, ...rest } = Object(value) as Record<string, unknown>;
  const isMoney = typeof amount === 'string' && typeof currency === 'string' && Object.keys(rest).length === 0;
  return isMoney ? `${amount} ${currency}` : textOf(value);
}

function textOf(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return typeof value === 'object' ? JSON.stringify(value) : String(value as string | number);
}

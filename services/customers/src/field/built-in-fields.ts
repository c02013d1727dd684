import { customerEvents, personalOf, type FieldOption, type FieldType, type Translated } from '@throughline/contracts';
import { addressUses, standings } from '../customer/customer-fields.ts';
import { inEvents } from '../customer/field-names.ts';

/** A field that every installation has, described as its own ones are: enough to build a form or a mapping from. */
export type BuiltInField = {
  key: string;
  /** `texts`: several short ones. `object`: of `parts`. `list`: of several such objects. */
  type: FieldType | 'texts' | 'object' | 'list';
  group: string;
  label: Translated;
  help?: Translated;
  required?: string[];
  options?: FieldOption[];
  target?: string;
  unique?: boolean;
  parts?: { key: string; type: FieldType; label: Translated; options?: FieldOption[] }[];
};

const option = (value: string, en: string, zh: string): FieldOption => ({ value, label: { en, zh } });
const part = (key: string, en: string, zh: string, type: FieldType = 'text') => ({ key, type, label: { en, zh } });
const marks = [part('label', 'Label', '标注'), part('primary', 'Primary', '首选', 'boolean')];

const standingNames: Record<(typeof standings)[number], [en: string, zh: string]> = {
  'decision-maker': ['Decision maker', '决策者'],
  approver: ['Approver', '审批者'],
  influencer: ['Influencer', '影响者'],
  champion: ['Champion', '支持者'],
  user: ['User', '使用者'],
  purchaser: ['Purchaser', '采购者'],
  gatekeeper: ['Gatekeeper', '把关者'],
  opponent: ['Opponent', '反对者'],
};
export const standingOptions = standings.map((standing) => option(standing, ...standingNames[standing]));
const useNames: Record<(typeof addressUses)[number], [en: string, zh: string]> = {
  post: ['Post', '邮寄'],
  visit: ['Visit', '拜访'],
};
const addressParts = [
  part('country', 'Country', '国家'),
  part('province', 'Province', '省份'),
  part('city', 'City', '城市'),
  part('district', 'District', '区县'),
  part('regionCode', 'Code of the division', '行政区划代码'),
  part('street', 'Street', '街道'),
  part('postcode', 'Postcode', '邮政编码'),
  ...marks,
  { ...part('use', 'Use', '用途', 'choice'), options: addressUses.map((use) => option(use, ...useNames[use])) },
];
const competitorParts = [
  part('name', 'Competitor', '竞争对手'),
  part('product', 'Product', '产品'),
  part('strengths', 'Strengths', '优势'),
  part('weaknesses', 'Weaknesses', '劣势'),
  part('price', 'Price', '价格', 'money'),
  part('strategy', 'Strategy', '策略'),
  part('comment', 'What the customer says', '客户的看法'),
];

const personal = personalOf(customerEvents.CustomerCreated.data);
/** Whether a field's values are personal data: as the events have it. */
export const isPersonal = (key: string): boolean => personal.has(inEvents(key));

export const customerFieldList: readonly BuiltInField[] = [
  {
    key: 'number',
    type: 'text',
    group: 'identity',
    label: { en: 'Customer number', zh: '客户编号' },
    help: { en: 'Given out by itself where it is left out.', zh: '留空则自动编号。' },
    unique: true,
  },
  {
    key: 'kind',
    type: 'choice',
    group: 'identity',
    label: { en: 'Kind', zh: '客户种类' },
    help: { en: 'A person or a company.', zh: '个人或公司。' },
    options: [option('person', 'Person', '个人'), option('company', 'Company', '公司')],
  },
  {
    key: 'name',
    type: 'text',
    group: 'identity',
    label: { en: 'Name', zh: '客户名称' },
    help: { en: 'The whole name, as it is shown.', zh: '完整名称。' },
    required: ['person', 'company'],
  },
  { key: 'givenName', type: 'text', group: 'identity', label: { en: 'Given name', zh: '名' } },
  { key: 'familyName', type: 'text', group: 'identity', label: { en: 'Family name', zh: '姓' } },
  {
    key: 'companyName',
    type: 'text',
    group: 'identity',
    label: { en: 'Company', zh: '公司名称' },
    help: { en: 'The company, or the one that the person works for.', zh: '公司，或其任职的公司。' },
  },
  {
    key: 'registrationNumber',
    type: 'text',
    group: 'identity',
    label: { en: 'Registration number', zh: '统一社会信用代码' },
    help: { en: 'Number in a register of companies.', zh: '工商登记号码。' },
  },
  { key: 'title', type: 'text', group: 'identity', label: { en: 'Position', zh: '职务' } },
  { key: 'department', type: 'text', group: 'identity', label: { en: 'Department', zh: '部门' } },
  {
    key: 'standing',
    type: 'choice',
    group: 'identity',
    label: { en: 'Decision standing', zh: '决策地位' },
    help: { en: 'Say in what is bought.', zh: '在采购决策中的作用。' },
    options: standingOptions,
  },
  {
    key: 'employerId',
    type: 'reference',
    group: 'identity',
    label: { en: 'Works for', zh: '任职公司' },
    help: { en: 'A company among the customers.', zh: '客户中的某个公司。' },
    target: 'customer',
  },
  {
    key: 'parentId',
    type: 'reference',
    group: 'identity',
    label: { en: 'Belongs to', zh: '上级公司' },
    help: { en: 'A company among the customers.', zh: '客户中的某个公司。' },
    target: 'customer',
  },
  {
    key: 'emails',
    type: 'list',
    group: 'contact',
    label: { en: 'E-mail addresses', zh: '电子邮箱' },
    help: { en: 'Several; one is the primary one.', zh: '可填多个，其中一个为首选。' },
    parts: [part('value', 'Address', '邮箱'), ...marks],
  },
  {
    key: 'phones',
    type: 'list',
    group: 'contact',
    label: { en: 'Phones', zh: '电话' },
    help: {
      en: 'With the country code, unless it is the one of the address.',
      zh: '非地址所在国家的号码请加国家代码。',
    },
    parts: [part('value', 'Number', '号码'), ...marks],
  },
  {
    key: 'addresses',
    type: 'list',
    group: 'contact',
    label: { en: 'Addresses', zh: '地址' },
    help: { en: 'For letters, or where to meet.', zh: '邮寄地址或拜访地址。' },
    parts: addressParts,
  },
  {
    key: 'socials',
    type: 'list',
    group: 'contact',
    label: { en: 'Social accounts', zh: '社交媒体账号' },
    help: { en: 'WeChat, Weibo, QQ, LinkedIn and others.', zh: '微信、微博、QQ、领英等。' },
    parts: [part('network', 'Network', '平台'), part('value', 'Account', '账号'), ...marks],
  },
  {
    key: 'type',
    type: 'text',
    group: 'attributes',
    label: { en: 'Type', zh: '客户类型' },
    help: { en: 'For example new, existing or potential.', zh: '例如新客户、老客户、潜在客户。' },
  },
  {
    key: 'source',
    type: 'text',
    group: 'attributes',
    label: { en: 'Source', zh: '客户来源' },
    help: { en: 'Where the customer came from.', zh: '客户从何而来。' },
  },
  { key: 'channel', type: 'text', group: 'attributes', label: { en: 'Channel', zh: '渠道' } },
  { key: 'campaign', type: 'text', group: 'attributes', label: { en: 'Campaign', zh: '营销活动' } },
  { key: 'industry', type: 'text', group: 'attributes', label: { en: 'Industry', zh: '行业' } },
  {
    key: 'size',
    type: 'text',
    group: 'attributes',
    label: { en: 'Size', zh: '规模' },
    help: { en: 'Size of the company.', zh: '公司规模。' },
  },
  { key: 'region', type: 'text', group: 'attributes', label: { en: 'Sales region', zh: '销售区域' } },
  { key: 'birthDate', type: 'date', group: 'attributes', label: { en: 'Date of birth', zh: '出生日期' } },
  { key: 'gender', type: 'text', group: 'attributes', label: { en: 'Gender', zh: '性别' } },
  { key: 'tags', type: 'texts', group: 'attributes', label: { en: 'Tags', zh: '标签' } },
  {
    key: 'ownerId',
    type: 'reference',
    group: 'attributes',
    label: { en: 'Owner', zh: '负责人' },
    help: { en: 'Who looks after the customer.', zh: '负责该客户的员工。' },
    target: 'user',
  },
  {
    key: 'lifecycle',
    type: 'text',
    group: 'lifecycle',
    label: { en: 'Stage of the life cycle', zh: '生命周期阶段' },
    help: { en: 'Potential, intending, closed, loyal.', zh: '潜在、意向、成交、忠诚。' },
  },
  {
    key: 'productNeeds',
    type: 'object',
    group: 'needs',
    label: { en: 'Product needs', zh: '产品需求' },
    help: { en: 'What a product has to be for them.', zh: '对产品的要求。' },
    parts: [
      part('function', 'Function', '功能'),
      part('performance', 'Performance', '性能'),
      part('price', 'Price', '价格'),
    ],
  },
  {
    key: 'servicePreference',
    type: 'object',
    group: 'needs',
    label: { en: 'Service preference', zh: '服务偏好' },
    help: { en: 'How and when they like to be served.', zh: '希望的服务方式与时间。' },
    parts: [part('channel', 'Channel', '渠道'), part('times', 'Times', '时间')],
  },
  { key: 'productInterests', type: 'texts', group: 'needs', label: { en: 'Product interests', zh: '产品兴趣' } },
  { key: 'hobbies', type: 'texts', group: 'needs', label: { en: 'Hobbies', zh: '兴趣爱好' } },
  {
    key: 'competitors',
    type: 'list',
    group: 'competitors',
    label: { en: 'Competitors', zh: '竞争对手' },
    help: { en: 'What others offer them.', zh: '竞争对手提供的产品。' },
    parts: competitorParts,
  },
  {
    key: 'review',
    type: 'object',
    group: 'word-of-mouth',
    label: { en: 'Review', zh: '客户评价' },
    help: { en: 'What they think of us.', zh: '对我们的评价。' },
    parts: [
      part('satisfaction', 'Satisfaction, 1 to 5', '满意度（1 至 5）', 'number'),
      part('suggestion', 'Suggestion', '建议'),
    ],
  },
  {
    key: 'referredBy',
    type: 'reference',
    group: 'word-of-mouth',
    label: { en: 'Recommended by', zh: '推荐人' },
    help: { en: 'The customer who recommended us.', zh: '推荐我们的客户。' },
    target: 'customer',
  },
  { key: 'referralChannel', type: 'text', group: 'word-of-mouth', label: { en: 'Referral channel', zh: '推荐渠道' } },
];

import type { FieldOption, FieldType, Translated } from '@throughline/contracts';
import type { FieldFacts, NewField } from './field-set.ts';

/** Fields that businesses of one kind usually keep of their customers: a start, not a standard. */
export type FieldTemplate = { name: string; label: Translated; fields: readonly NewField[] };

const said = (en: string, zh: string): Translated => ({ en, zh });
const option = (value: string, en: string, zh: string): FieldOption => ({ value, label: said(en, zh) });

const fieldsOf =
  (group: string) =>
  (key: string, type: FieldType, en: string, zh: string, facts: FieldFacts = {}): NewField => ({
    key,
    type,
    facts: { label: said(en, zh), group, ...facts },
  });

const [retail, manufacturing, education, software, catering] = [
  fieldsOf('retail'),
  fieldsOf('manufacturing'),
  fieldsOf('education'),
  fieldsOf('software'),
  fieldsOf('catering'),
];

export const fieldTemplates: readonly FieldTemplate[] = [
  {
    name: 'retail',
    label: said('Retail', '零售'),
    fields: [
      retail('member_level', 'choice', 'Member level', '会员等级', {
        options: [
          option('regular', 'Regular', '普通'),
          option('silver', 'Silver', '银卡'),
          option('gold', 'Gold', '金卡'),
        ],
      }),
      retail('member_since', 'date', 'Member since', '入会日期'),
      retail('home_store', 'text', 'Usual store', '常去门店', { sensitivity: 'normal' }),
      retail('preferred_delivery', 'choice', 'Preferred delivery', '偏好配送方式', {
        options: [option('courier', 'Courier', '快递'), option('pickup', 'Pick-up', '自提')],
      }),
    ],
  },
  {
    name: 'manufacturing',
    label: said('Manufacturing', '制造业'),
    fields: [
      manufacturing('annual_demand', 'number', 'Annual demand', '年需求量', {
        help: said('In pieces a year.', '每年件数。'),
      }),
      manufacturing('credit_limit', 'money', 'Credit limit', '信用额度'),
      manufacturing('payment_days', 'number', 'Days to pay', '账期（天）'),
      manufacturing('certificates', 'multi-choice', 'Certificates asked for', '所需认证', {
        options: [
          option('iso9001', 'ISO 9001', 'ISO 9001'),
          option('iso14001', 'ISO 14001', 'ISO 14001'),
          option('iatf16949', 'IATF 16949', 'IATF 16949'),
          option('ccc', 'CCC', 'CCC 强制认证'),
        ],
      }),
    ],
  },
  {
    name: 'education',
    label: said('Education', '教育培训'),
    fields: [
      education('student_name', 'text', 'Student', '学员姓名', { sensitivity: 'personal' }),
      education('grade', 'choice', 'Grade', '年级', {
        options: [
          option('primary', 'Primary school', '小学'),
          option('middle', 'Middle school', '初中'),
          option('high', 'High school', '高中'),
          option('adult', 'Adult', '成人'),
        ],
      }),
      education('courses', 'multi-choice', 'Courses of interest', '意向课程', {
        options: [
          option('language', 'Languages', '语言'),
          option('mathematics', 'Mathematics', '数学'),
          option('arts', 'Arts', '艺术'),
          option('coding', 'Coding', '编程'),
        ],
      }),
      education('trial_on', 'date', 'Trial lesson on', '试听日期'),
    ],
  },
  {
    name: 'software',
    label: said('Software', '软件'),
    fields: [
      software('plan', 'choice', 'Plan', '套餐', {
        options: [
          option('trial', 'Trial', '试用'),
          option('standard', 'Standard', '标准版'),
          option('enterprise', 'Enterprise', '企业版'),
        ],
      }),
      software('seats', 'number', 'Seats', '席位数'),
      software('renews_on', 'date', 'Renews on', '续费日期'),
      software('deployment', 'choice', 'Deployment', '部署方式', {
        options: [option('cloud', 'Cloud', '公有云'), option('on-premises', 'On premises', '私有部署')],
      }),
    ],
  },
  {
    name: 'catering',
    label: said('Catering', '餐饮'),
    fields: [
      catering('flavours', 'multi-choice', 'Flavours', '口味', {
        options: [option('mild', 'Mild', '清淡'), option('spicy', 'Spicy', '辣'), option('sweet', 'Sweet', '甜')],
      }),
      catering('allergies', 'text', 'Allergies', '忌口与过敏', { sensitivity: 'sensitive' }),
      catering('usual_party', 'number', 'Usual number of guests', '常用餐人数'),
      catering('private_room', 'boolean', 'Prefers a private room', '偏好包间'),
    ],
  },
];

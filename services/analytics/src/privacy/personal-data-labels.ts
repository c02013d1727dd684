import type {
  Bilingual,
  ConsentState,
  ContactChannel,
  FieldClass,
  FieldGroup,
  LawfulBasis,
} from '@throughline/contracts';

const label = (zh: string, en: string): Bilingual => ({ zh, en });

export const groupLabels: Record<FieldGroup, Bilingual> = {
  identity: label('身份', 'Identity'),
  contact: label('联系方式', 'Contact'),
  work: label('工作', 'Work'),
  person: label('个人', 'Person'),
  classification: label('分类', 'Classification'),
  origin: label('来源', 'Origin'),
  needs: label('需求与偏好', 'Needs and preferences'),
  'word-of-mouth': label('口碑', 'Word of mouth'),
  custom: label('其他', 'Other'),
};
export const classLabels: Record<FieldClass, Bilingual> = {
  normal: label('一般', 'Normal'),
  sensitive: label('敏感', 'Sensitive'),
};
export const basisLabels: Record<LawfulBasis, Bilingual> = {
  consent: label('本人同意', 'Consent'),
  contract: label('订立或履行合同', 'Contract'),
  'legal-obligation': label('履行法定义务', 'Legal obligation'),
  'vital-interest': label('保护生命健康', 'Vital interest'),
  'public-interest': label('公共利益', 'Public interest'),
  'legitimate-interest': label('正当利益', 'Legitimate interest'),
  'made-public': label('本人已公开', 'Made public by the person'),
};
export const stateLabels: Record<ConsentState, Bilingual> = {
  given: label('已同意', 'Given'),
  withdrawn: label('已撤回', 'Withdrawn'),
  expired: label('已过期', 'Expired'),
  none: label('未表示', 'Nothing said'),
};
export const channelLabels: Record<ContactChannel, Bilingual> = {
  email: label('电子邮件', 'E-mail'),
  phone: label('电话', 'Telephone'),
  sms: label('短信', 'Text message'),
  messenger: label('即时消息', 'Messenger'),
  post: label('邮寄', 'Post'),
};
export const languageLabels: Record<keyof Bilingual, Bilingual> = {
  zh: label('中文', 'Chinese'),
  en: label('英文', 'English'),
};
export const sectionLabels = {
  sources: label('其他系统中的编号', 'Ids in other systems'),
  contact: label('联系', 'Contact'),
  consents: label('同意与用途', 'Consents and purposes'),
  forms: label('提交的表单', 'Forms filled in'),
  orders: label('订单', 'Orders'),
  deals: label('商机', 'Deals'),
  interactions: label('互动', 'Interactions'),
  history: label('变更记录', 'What was changed'),
  exports: label('导出记录', 'Who was told'),
};
export const columnLabels = {
  section: label('类别', 'Section'),
  item: label('项目', 'Item'),
  value: label('内容', 'Value'),
  class: label('级别', 'Class'),
  source: label('来源', 'Source'),
  by: label('操作者', 'By'),
  at: label('时间', 'When'),
};
export const doNotContact = label('不希望被联系', 'Does not want to be contacted');
export const entered = {
  web: label('人工录入', 'Entered by hand'),
  api: label('通过接口', 'Through the API'),
};

/** The texts of refusals, one catalogue a language. Codes are API, texts are not. `{name}` is filled from the params. */
const english: Record<string, string> = {
  'invalid-request': 'The request does not have the right shape.',
  'unreadable-json': 'The body is not readable JSON.',
  'unsupported-media-type': 'The body must be JSON.',
  'too-large': 'The body is too large.',
  'not-found': 'There is nothing here.',
  'method-not-allowed': 'This address does not know that method.',
  unauthorised: 'Sign in first, or send a valid token.',
  forbidden: 'Your role does not allow this.',
  'too-many-requests': 'Too many requests; try again later.',
  internal: 'Something went wrong on our side. The trace id helps us to find it.',
  unavailable: 'A part of the system is not available right now; try again shortly.',
  'too-busy': 'Many changes to the same record at once; try again.',
  'changed-meanwhile': 'Somebody changed the same field since you read it.',
  'idempotency-key-reused': 'This idempotency key was used for another request.',
  'event-too-large': 'This is more than one change may carry ({bytes} bytes, at most {limit}).',
  'person-erased': 'The data of this person was erased at their request.',
  'number-taken': 'Another customer has this number.',
  'email-taken': 'Another customer has this e-mail address.',
  'customer-exists': 'There is already a customer with this id.',
  'customer-not-found': 'There is no such customer.',
  'customer-archived': 'This customer is archived; restore it first.',
  'customer-not-archived': 'This customer is not archived.',
  'invalid-customer': 'Some fields of the customer are not right.',
  'invalid-interaction': 'Some fields of the interaction are not right.',
  'interaction-exists': 'There is already an interaction with this id.',
  'interaction-not-found': 'There is no such interaction.',
  'interaction-archived': 'This interaction is archived.',
  'user-exists': 'There is already a user with this id.',
  'login-taken': 'Another user signs in with this e-mail address.',
  'api-key-exists': 'There is already an API key with this id.',
  'api-key-not-found': 'There is no such API key.',
  'user-not-found': 'There is no such user.',
  'deal-exists': 'There is already a deal with this id.',
  'deal-not-found': 'There is no such deal.',
  'deal-closed': 'This deal is closed.',
  'pipeline-not-found': 'There is no such pipeline.',
  'pipeline-exists': 'There is already a pipeline with this id.',
  'stage-unknown': 'The pipeline has no such stage.',
  'order-not-found': 'There is no such order.',
  'order-exists': 'There is already an order with this id.',
  'order-cancelled': 'This order is cancelled.',
  'invalid-order': 'Some fields of the order are not right.',
  'connection-not-found': 'There is no such connection.',
  'connection-exists': 'There is already a connection with this id.',
  'invalid-connection': 'Some fields of the connection are not right.',
  'invalid-mapping': 'The mapping is not right.',
  'delivery-not-found': 'There is no such delivery.',
  'wrong-credentials': 'E-mail and password do not match.',
  'wrong-signature': 'The signature is missing or wrong.',
  'unreadable-delivery': 'The delivery cannot be read.',
  'report-not-found': 'There is no such report.',
  'invalid-query': 'The query is not right.',
  'invalid-settings': 'Some settings are not right.',
  'invalid-rate': 'The exchange rate is not right.',
  required: 'is required',
  'too-long': 'is too long',
  'impossible-date': 'is not a date that exists',
  'unknown-field': 'is not a known field',
  'wrong-type': 'has the wrong type or form',
  'in-the-future': 'lies in the future',
  'before-start': 'lies before the start',
  'not-allowed': 'is not one of the allowed values',
};

const chinese: Record<string, string> = {
  'invalid-request': '请求的格式不正确。',
  'unreadable-json': '请求正文不是可读取的 JSON。',
  'unsupported-media-type': '请求正文必须是 JSON。',
  'too-large': '请求正文过大。',
  'not-found': '这里什么都没有。',
  'method-not-allowed': '此地址不支持该方法。',
  unauthorised: '请先登录，或提供有效的令牌。',
  forbidden: '您的角色不允许此操作。',
  'too-many-requests': '请求过多，请稍后再试。',
  internal: '我们这边出了问题，追踪编号有助于查明原因。',
  unavailable: '系统的一部分暂时不可用，请稍后重试。',
  'too-busy': '同一记录同时有太多修改，请重试。',
  'changed-meanwhile': '您读取之后，有人修改了同一字段。',
  'idempotency-key-reused': '此幂等键已用于另一个请求。',
  'event-too-large': '单次修改的内容过多（{bytes} 字节，最多 {limit}）。',
  'person-erased': '应本人要求，其数据已被删除。',
  'number-taken': '该编号已被其他客户使用。',
  'email-taken': '该邮箱已被其他客户使用。',
  'customer-exists': '已存在相同标识的客户。',
  'customer-not-found': '没有这个客户。',
  'customer-archived': '该客户已归档，请先恢复。',
  'customer-not-archived': '该客户没有归档。',
  'invalid-customer': '客户的部分字段不正确。',
  'invalid-interaction': '互动记录的部分字段不正确。',
  'interaction-exists': '已存在相同标识的互动记录。',
  'interaction-not-found': '没有这条互动记录。',
  'interaction-archived': '该互动记录已归档。',
  'user-exists': '已存在相同标识的用户。',
  'login-taken': '该邮箱已被其他用户用于登录。',
  'api-key-exists': '已存在相同标识的 API 密钥。',
  'api-key-not-found': '没有这个 API 密钥。',
  'user-not-found': '没有这个用户。',
  'deal-exists': '已存在相同标识的商机。',
  'deal-not-found': '没有这个商机。',
  'deal-closed': '该商机已关闭。',
  'pipeline-not-found': '没有这个销售管道。',
  'pipeline-exists': '已存在相同标识的销售管道。',
  'stage-unknown': '销售管道中没有这个阶段。',
  'order-not-found': '没有这个订单。',
  'order-exists': '已存在相同标识的订单。',
  'order-cancelled': '该订单已取消。',
  'invalid-order': '订单的部分字段不正确。',
  'connection-not-found': '没有这个连接。',
  'connection-exists': '已存在相同标识的连接。',
  'invalid-connection': '连接的部分字段不正确。',
  'invalid-mapping': '映射不正确。',
  'delivery-not-found': '没有这条投递记录。',
  'wrong-credentials': '邮箱与密码不匹配。',
  'wrong-signature': '签名缺失或错误。',
  'unreadable-delivery': '投递内容无法读取。',
  'report-not-found': '没有这个报表。',
  'invalid-query': '查询不正确。',
  'invalid-settings': '部分设置不正确。',
  'invalid-rate': '汇率不正确。',
  required: '必填',
  'too-long': '过长',
  'impossible-date': '不是存在的日期',
  'unknown-field': '不是已知字段',
  'wrong-type': '类型或格式不正确',
  'in-the-future': '在未来',
  'before-start': '早于开始时间',
  'not-allowed': '不在允许的取值之内',
};

const catalogues = { en: english, zh: chinese };
export type Language = keyof typeof catalogues;

/** The language that a caller prefers, of those we have. */
export function languageOf(acceptLanguage: string | undefined): Language {
  const wanted = (acceptLanguage ?? '')
    .split(',')
    .map((part) => {
      const [tag = '', ...params] = part.trim().toLowerCase().split(';');
      const q = params.map((param) => /^\s*q=([\d.]+)/.exec(param)?.[1]).find((value) => value !== undefined);
      return { language: tag.split('-')[0], q: q === undefined ? 1 : Number(q) };
    })
    .filter(({ language, q }) => q > 0 && (language === 'zh' || language === 'en'))
    .sort((a, b) => b.q - a.q);
  return (wanted[0]?.language as Language | undefined) ?? 'en';
}

export function messageOf(language: Language, code: string, params: Readonly<Record<string, unknown>> = {}): string {
  const text = catalogues[language][code] ?? english[code] ?? code;
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => (name in params ? String(params[name]) : whole));
}

/** Codes that one language has and another lacks, for the test that keeps them level. */
export const missingMessages = (): string[] =>
  [...new Set([...Object.keys(english), ...Object.keys(chinese)])].filter(
    (code) => !(code in english) || !(code in chinese),
  );

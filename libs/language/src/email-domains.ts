import { createRequire } from 'node:module';
import { domainToUnicode } from 'node:url';
import { disposableEmailBlocklistSet } from 'disposable-email-domains-js';
import { parse } from 'tldts';
import { correct, TEXT_STEPS, type Cleaned, type Suggestion } from './cleaning.ts';
import { normaliseEmail, type NormalisedEmail } from './emails.ts';
import { editDistance } from './typos.ts';

/** What the domain of an e-mail address says, and what its local part says about who reads it. */
export interface EmailDomain {
  /** As registered: `acme.co.uk` of `mail.acme.co.uk`; null where its suffix is no public one. */
  registrable: string | null;
  /** Of a provider for everybody: it says nothing about the company. */
  isFree: boolean;
  /** Of a service of throw-away addresses. */
  isDisposable: boolean;
  /** Read by whoever has the role (info, sales, 客服), not by one person. */
  isRole: boolean;
}

/** The name of a company as its e-mail domain has it, to be looked up among known companies. */
export interface InferredCompany {
  value: {
    /** `acme.co.uk` */
    domain: string;
    /** `acme`; of an international name its characters. */
    label: string;
  };
  rule: 'company-from-email-domain';
}

// Providers that the list of the package email-providers lacks: Chinese ones and their paid names.
const MORE_FREE =
  `139.com 189.cn wo.cn wo.com.cn sohu.com 263.net 263.net.cn vip.163.com vip.126.com chinaren.com eyou.com
  sogou.com aliyun.com 188.com msn.cn hotmail.com.cn outlook.com.cn outlook.cn 21cn.net 35.com`.split(/\s+/);

// Domains that people mean when they mistype one.
const WELL_KNOWN =
  `gmail.com googlemail.com hotmail.com hotmail.co.uk hotmail.fr hotmail.de outlook.com live.com live.cn msn.com
  yahoo.com yahoo.co.uk yahoo.co.jp yahoo.fr yahoo.de yahoo.cn yahoo.com.cn yahoo.com.hk yahoo.com.tw icloud.com me.com aol.com
  proton.me protonmail.com gmx.de gmx.net gmx.com web.de t-online.de yandex.ru yandex.com mail.ru zoho.com qq.com vip.qq.com
  foxmail.com 163.com vip.163.com 126.com yeah.net 188.com sina.com sina.cn vip.sina.com sina.com.cn sohu.com 139.com 189.cn
  aliyun.com 21cn.com tom.com wo.cn 263.net naver.com daum.net hanmail.net orange.fr wanadoo.fr free.fr laposte.net libero.it
  comcast.net verizon.net bigpond.com`.split(/\s+/);

// Real domains one letter from a well-known one. The list of free providers is no guide: it has gmial.com.
const NOT_MISTYPED =
  `email.com ymail.com amail.com cmail.com tmail.com xmail.com hmail.com fmail.com mail.com cloud.com coxmail.com
  wahoo.com haver.com never.com`.split(/\s+/);

const ROLES = new Set(
  `abuse account accounting accounts admin administrator apply assistant billing booking bookings business career careers
  commercial compliance contact contacts customercare customerservice cs enquiries enquiry export feedback finance fax
  hello help helpdesk hi hostmaster hr info information inquiries inquiry invoice invoices invoicing it jobs legal mail
  mailer-daemon marketing media newsletter noc noreply office operations order orders partner partners payment payments
  postmaster pr press privacy procurement public purchase purchasing reception recruit recruiting recruitment registration
  reservation reservations returns root sale sales security service services shop spam staff subscribe support team tech
  technical trade unsubscribe webmaster welcome donotreply mailbox kefu xiaoshou caiwu hezuo zhaopin shichang shangwu fuwu
  renshi bangong contactus customer direct general sekretariat store test user web caigou bangongshi yewu 客服 销售 市场 服务 财务
  人事 招聘 商务 采购 售后 售前 行政 办公室 合作 联系 管理员 信息 业务`.split(/\s+/),
);

const SHORTEST_TO_COMPARE = 5;
let listed: { free: ReadonlySet<string>; disposable: ReadonlySet<string> } | undefined;

function lists() {
  const free = () => createRequire(import.meta.url)('email-providers/all.json') as string[];
  listed ??= { free: new Set([...free(), ...WELL_KNOWN, ...MORE_FREE]), disposable: disposableEmailBlocklistSet() };
  return listed;
}

/** Whether a local part names a role: `sales`, `sales-cn`, `no.reply`, `客服1`. */
export function isRoleName(local: string): boolean {
  const name = local.toLowerCase().replace(/\+.*$/, '');
  const [first = '', ...others] = name.split(/[._-]/);
  const whole = name.replace(/[._-]|\d+$/g, '');
  // hr.smith may be a person, sales.cn is none.
  return ROLES.has(whole) || (others.length > 0 && first.length >= 4 && ROLES.has(first));
}

/** Whether any of these domains is one where anybody can have an address. */
export const isFree = (domains: readonly string[]): boolean => domains.some((domain) => lists().free.has(domain));

/** What an address says by its domain and its local part; null when it is no address. */
export function readEmailDomain(email: string): EmailDomain | null {
  const { local, domain } = normaliseEmail(email);
  if (local === null || domain === null) return null;
  const { domain: registrable, isIcann, isPrivate } = parse(domain, { allowPrivateDomains: true });
  const { disposable } = lists();
  const names = [domain, ...(registrable === null ? [] : [registrable])];
  const isDisposable = names.some((name) => disposable.has(name)) && !WELL_KNOWN.includes(registrable ?? domain);
  return {
    registrable: isIcann || isPrivate ? registrable : null,
    isFree: isFree(names),
    isDisposable,
    isRole: isRoleName(local),
  };
}

/** The company that an address names by its domain; null for free, throw-away and mistyped domains. */
export function companyFromEmail(email: string): InferredCompany | null {
  const read = readEmailDomain(email);
  if (!read || read.registrable === null || read.isFree || read.isDisposable) return null;
  if (suggestEmailDomain(read.registrable) !== null) return null;
  const label = domainToUnicode(read.registrable).split('.')[0]!;
  return { value: { domain: read.registrable, label }, rule: 'company-from-email-domain' };
}

const split = (domain: string) =>
  [domain.slice(0, domain.indexOf('.')), domain.slice(domain.indexOf('.') + 1)] as const;

// Top-level domains of countries that are .com with a letter less.
const COM_CUT_SHORT = new Set(['co', 'cm', 'om']);

// A short label has too many neighbours (qq, 163, aol): of those only the ending is compared, where it does not exist.
function isMistypedFor(domain: string, known: string): boolean {
  const [label, suffix] = split(domain);
  const [knownLabel, knownSuffix] = split(known);
  if (label === knownLabel) {
    const { isIcann } = parse(domain);
    return editDistance(suffix, knownSuffix) <= 1 && (!isIcann || COM_CUT_SHORT.has(suffix));
  }
  return suffix === knownSuffix && knownLabel.length >= SHORTEST_TO_COMPARE && editDistance(label, knownLabel) === 1;
}

/**
 * The well-known domain that a domain is one slip away from: gmial.com is gmail.com, 163.con is 163.com. Null for a domain that
 * is known itself, and where two are as near (.com goes first).
 */
export function suggestEmailDomain(domain: string): string | null {
  if (
    !domain.includes('.') ||
    WELL_KNOWN.includes(domain) ||
    MORE_FREE.includes(domain) ||
    NOT_MISTYPED.includes(domain)
  ) {
    return null;
  }
  const near = WELL_KNOWN.filter((known) => isMistypedFor(domain, known));
  const [meant, ...others] = near.length > 1 ? near.filter((known) => known.endsWith('.com')) : near;
  return meant !== undefined && others.length === 0 ? meant : null;
}

/** An e-mail address written in one way, with a suggestion where its domain looks mistyped. */
export function cleanEmail(raw: string): Cleaned<NonNullable<NormalisedEmail['problem']>> {
  const tidied = correct(raw, TEXT_STEPS);
  const { address, local, domain, problem } = normaliseEmail(tidied.value);
  const formed = correct(tidied.value, address === null ? [] : [['email-form', () => address]]);
  const meant = domain === null ? null : suggestEmailDomain(domain);
  const suggestions: Suggestion[] = meant === null ? [] : [{ rule: 'email-domain-typo', to: `${local}@${meant}` }];
  return { value: formed.value, corrections: [...tidied.corrections, ...formed.corrections], suggestions, problem };
}

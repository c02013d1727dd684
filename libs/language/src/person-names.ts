import { correct, TEXT_STEPS, type Cleaned, type Suggestion } from './cleaning.ts';
import { closeHan, foldText } from './text.ts';

/** A personal name in its parts. */
export interface NameParts {
  familyName: string;
  givenName: string;
}

const HAN_NAME = /^\p{Script=Han}{2,4}$/u;
// Of the Hundred Family Surnames (百家姓) and the surnames in use by the Ministry of Public Security's counts.
export const COMPOUND_SURNAMES: ReadonlySet<string> = new Set(
  `欧阳 太史 端木 上官 司马 东方 独孤 南宫 万俟 闻人 夏侯 诸葛 尉迟 公羊 赫连 澹台 皇甫 宗政 濮阳 公冶 太叔 申屠 公孙
  慕容 仲孙 钟离 长孙 宇文 司徒 鲜于 司空 闾丘 子车 亓官 司寇 巫马 公西 颛孙 壤驷 公良 漆雕 乐正 宰父 谷梁 拓跋 夹谷 轩辕
  令狐 段干 百里 呼延 东郭 南门 羊舌 微生 公户 公玉 梁丘 左丘 东门 西门 南荣 第五 纳兰 完颜 淳于 单于`.split(/\s+/),
);
const SURNAMES = new Set(
  `王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩邓冯曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢姚沈钟姜崔谭陆范汪廖石
  金韦贾夏付方邹熊白孟秦邱侯江尹薛闫雷龙史陶贺毛段郝顾龚邵万覃武钱戴严莫孔向常汤康易乔赖文庞樊兰殷施洪翟安颜倪牛温芦季俞章鲁
  葛伍申尤毕聂柴焦岳辛舒骆邢齐梅柳欧凌路祝祁凡关包房霍左宁童靳纪苗祖盛费裴鲍屈应成游阳柯涂单蒲甘翁阮华欧古司管冷时卞项娄
  郎池牟桂简甄蓝占鞠卫瞿车连麦戚符喻宫邬褚冉景窦滕饶宗郁楼宿解卓丛商尚苑边辜巫仇丘封查苟晏蔺麻习党井谷桑岑闵米明隋匡
  全佟敖原栾荆官匙亓亢蒙晋佘储曲荀仲伊宓幸戎竺诸裘奚逄虞权宣丰刁缪应苍阎萧粟洗冼阙鄢隆邸蔚练黎臧茅屠伏乌芮羿麴松富昝诺
  傅詹谈茹燕皮师帅代卜闻沙花庾郜嵇晁邝农湛惠凤扈年母战展尧逯敬由`.replace(/\s/g, ''),
);
// Words that belong to the family name after them.
const PARTICLES = new Set(
  `van von de da der den del della di du dos das la le el al bin ibn ben ter ten zu zur af av`.split(' '),
);
// Written first by habit, in East Asian order: which word is the family name cannot be told.
const FAMILY_NAME_FIRST = new Set(
  `kim park choi jung nguyen tran pham hoang huynh phan vu vo dang bui chan wong cheung lau leung cheng kwok lam ng tse yeung
  tanaka suzuki sato takahashi watanabe yamamoto`.split(/\s+/),
);
const SYLLABLE =
  '(?:(?:zh|ch|sh|[bpmfdtnlgkhjqxrzcsyw])(?:iang|iong|uang|ang|eng|ing|ong|ian|iao|uai|uan|ai|an|ao|ei|en|er|ia|ie|in|iu|ou|ua|ue|ui|un|uo|ve|a|e|i|o|u|v)|ang|eng|ai|an|ao|ei|en|er|ou|a|e|o)';
const PINYIN = new RegExp(`^${SYLLABLE}+$`);
const GENERATION = /^(?:jr|sr|ii|iii|iv)$/;
const LATIN_WORD = /^\p{Script=Latin}[\p{Script=Latin}\p{M}'’.-]*$/u;

const HAN_TITLES = /(?:先生|女士|小姐|太太|夫人|同学|老师|教授|博士|医生|律师|总经理|经理|总监|主任|董事长|总)$/u;
const LATIN_TITLES = /^(?:(?:mr|mrs|ms|miss|mx|dr|prof|sir|madam|herr|frau|mme|mlle|sr|sra)\b\.?\s+)+/i;
const LEGAL_FORMS = new Map(
  `GmbH Ltd LLC LLP PLC Inc Corp Co AG KG SE SA SAS SARL SpA Srl BV NV AB AS Oy Pty Pte KGaA mbH`
    .split(' ')
    .map((form) => [form.toLowerCase(), form]),
);

/** The parts of a name of Han characters, by the table of surnames; traditional characters stay. */
function splitHan(name: string): NameParts | null {
  const characters = [...name];
  const folded = characters.map(foldText);
  const compound = COMPOUND_SURNAMES.has(folded.slice(0, 2).join(''));
  const length = compound ? 2 : 1;
  // 欧阳 alone may be 欧 and 阳; four characters are two surnames, or no Chinese name.
  if (characters.length === length || characters.length > length + 2) return null;
  if (!compound && !SURNAMES.has(folded[0]!)) return null;
  return { familyName: characters.slice(0, length).join(''), givenName: characters.slice(length).join('') };
}

function splitLatin(name: string): NameParts | null {
  const words = name.split(/,? /);
  if (words.length < 2 || !words.every((word) => LATIN_WORD.test(word))) return null;
  const folded = words.map((word) => foldText(word).replace(/['’.-]/g, ''));
  if (GENERATION.test(folded.at(-1)!)) return null;
  const [before, after, ...more] = name.split(', ');
  if (after !== undefined) return more.length === 0 ? { familyName: before!, givenName: after } : null;
  if (FAMILY_NAME_FIRST.has(folded[0]!) || folded.every((word) => PINYIN.test(word))) return null;
  const particle = folded.findIndex((word, i) => i > 0 && i < words.length - 1 && PARTICLES.has(word));
  const at = particle > 0 ? particle : words.length - 1;
  // In three bare words the middle one may be of either name; an initial is a given name.
  if (particle < 0 && folded.slice(1, -1).some((word) => word.length > 1)) return null;
  return { givenName: words.slice(0, at).join(' '), familyName: words.slice(at).join(' ') };
}

/**
 * Family and given name of a whole name, by its script: 欧阳修 and 张三 by the table of surnames, John Smith and Ludwig van
 * Beethoven in Western order. Null where that cannot be told: Zhang San, Kim Jisoo, three bare words, a title, other scripts.
 */
export function splitName(name: string): NameParts | null {
  const text = correct(name, TEXT_STEPS).value;
  if (LATIN_TITLES.test(text) || HAN_TITLES.test(text)) return null;
  const han = closeHan(text);
  if (HAN_NAME.test(han)) return splitHan(han);
  return splitLatin(text);
}

const capitalised = (word: string) =>
  word
    .toLowerCase()
    .replace(/(^|['’-])(\p{L})/gu, (_, before: string, letter: string) => before + letter.toUpperCase());

// One word in capitals may be an acronym of a company, never of a person.
function inTitleCase(name: string, wordOf: (word: string, i: number) => string): Suggestion[] {
  const letters = name.replace(/[^\p{L}]/gu, '');
  const oneCase = letters === letters.toUpperCase() || letters === letters.toLowerCase();
  if (letters.length < 2 || !oneCase || !/^\p{Script=Latin}+$/u.test(letters)) return [];
  const to = name.split(' ').map(wordOf).join(' ');
  return to === name ? [] : [{ rule: 'title-case', to }];
}

/** A personal name tidied, with what a person may want to change: its case, a title (先生, Dr.) in it. Never empties a name. */
export function cleanPersonName(raw: string): Cleaned<'empty'> {
  const { value, corrections } = correct(raw, TEXT_STEPS);
  const bare = value.replace(LATIN_TITLES, '').replace(HAN_TITLES, '').trim();
  const titled = bare !== value && bare !== '';
  const suggestions = [
    ...(titled ? [{ rule: 'salutation', to: bare }] : []),
    ...inTitleCase(titled ? bare : value, (word, i) =>
      i > 0 && PARTICLES.has(word.toLowerCase()) ? word.toLowerCase() : capitalised(word),
    ),
  ];
  return { value, corrections, suggestions, problem: value === '' ? 'empty' : null };
}

/** A company's name tidied, with its words in title case as a suggestion where there are several; short ones stay. */
export function cleanCompanyName(raw: string): Cleaned<'empty'> {
  const { value, corrections } = correct(raw, TEXT_STEPS);
  const written = (word: string) => {
    const form = LEGAL_FORMS.get(word.toLowerCase().replace(/[.,]/g, ''));
    if (form !== undefined) return word.toLowerCase().replace(form.toLowerCase(), form);
    return word.length <= 3 ? word : capitalised(word);
  };
  const suggestions = value.includes(' ') ? inTitleCase(value, written) : [];
  return { value, corrections, suggestions, problem: value === '' ? 'empty' : null };
}

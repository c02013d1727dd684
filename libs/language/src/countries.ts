import { getCountries } from 'libphonenumber-js/max';
import { foldText } from './text.ts';

/** What people write besides a country's code and its names in English and Chinese. */
const otherNames: Readonly<Record<string, readonly string[]>> = {
  AE: ['uae'],
  AU: ['aus'],
  BR: ['bra'],
  CA: ['can'],
  CN: ['chn', 'prc', 'mainland china', 'peoples republic of china', '中华人民共和国', '中国大陆', '大陆'],
  CZ: ['czech republic'],
  DE: ['deu', 'ger', 'deutschland'],
  ES: ['esp', 'españa'],
  FR: ['fra'],
  GB: [
    'uk',
    'gbr',
    'great britain',
    'britain',
    'england',
    'scotland',
    'wales',
    'northern ireland',
    '英格兰',
    '大不列颠',
  ],
  HK: ['hkg', 'hong kong', 'hongkong', 'hong kong sar', '香港', '中国香港'],
  IN: ['ind'],
  IT: ['ita', 'italia'],
  JP: ['jpn'],
  KR: ['kor', 'korea', 'republic of korea', '南韩', '大韩民国'],
  MO: ['mac', 'macau', 'macao', 'macao sar', '澳门', '中国澳门'],
  MY: ['mys'],
  NL: ['nld', 'holland', 'the netherlands', '荷兰王国'],
  RU: ['rus', 'russian federation', '俄国', '俄罗斯联邦'],
  SG: ['sgp'],
  TW: ['twn', 'taiwan', '台湾', '中国台湾'],
  US: ['usa', 'united states of america', 'america', '美利坚合众国', '美国'],
  VN: ['vnm', 'viet nam'],
};

let codes: ReadonlyMap<string, string> | undefined;

const plain = (text: string): string => foldText(text).replaceAll(/[.'’]/g, '').replaceAll(/\s+/g, ' ').trim();

/** Names come from the CLDR data of the runtime. */
function codesByName(): ReadonlyMap<string, string> {
  const names = ['en', 'zh-Hans', 'zh-Hant'].map((language) => new Intl.DisplayNames([language], { type: 'region' }));
  return new Map(
    getCountries().flatMap((code) => {
      const called = [code, ...names.flatMap((name) => name.of(code) ?? []), ...(otherNames[code] ?? [])];
      return called.map((name) => [plain(name), code] as const);
    }),
  );
}

/**
 * The country that somebody named: its ISO 3166 alpha-2 code; undefined of what names none.
 * @example countryCode('中国') // 'CN'
 * @example countryCode('U.S.A.') // 'US'
 */
export function countryCode(name: string): string | undefined {
  codes ??= codesByName();
  return codes.get(plain(name));
}

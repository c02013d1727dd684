import { pinyin } from 'pinyin-pro';
import { correct, TEXT_STEPS } from './cleaning.ts';
import { regionNames, shortName, simplified, type RegionName } from './region-names.ts';
import { divisions, regionOf, type Division } from './regions.ts';
import { foldText } from './text.ts';

/** An address as far as its administrative divisions are certain. */
export interface ParsedAddress {
  province: string | null;
  city: string | null;
  district: string | null;
  /** What follows the divisions (before them in a Latin address), as entered but for width and blanks. */
  rest: string;
  /** Code of GB/T 2260 of the smallest division; null where none is certain. */
  regionCode: string | null;
}

const SEPARATORS = /[\s,，、;；/|·\-—>]*/y;
const BOUNDARY = /^(?:$|[\s,，、;；/|·\-—>])/;
const LEAD = /^(?:\d{6}(?=\D))?\s*(?:中华人民共和国|中国)?/;
// A street, an institution or a river named after a place lies elsewhere as a rule: 南京西路 in Shanghai, 北京大学深圳医院.
const NAMED_AFTER =
  /^(?:.(?:路|街|大道|巷|弄|桥)|[东西南北中前后内外上下大小新老一二三四五六七八九十\d]*(?:路|街|高架|环路|快速路|步行街|大道|道|巷|弄|胡同|桥|站|门|广场|大厦|大楼|饭店|酒店|宾馆|公园|大学|学|医院|银行|公司|集团|村|镇|乡|岸|湾|港|河|湖|江|海|山|岛|岭|塔|寺|厂|机场|口))/;

const isWithin = (division: Division, place: Division | null): boolean =>
  place === null ||
  (division !== place && (division.parent === place || (division.parent !== null && isWithin(division.parent, place))));

function skip(text: string, at: number): number {
  SEPARATORS.lastIndex = at;
  return at + SEPARATORS.exec(text)![0].length;
}

/** The one division meant by the same name of several: the one that all others lie in, or a province (海南 is no 海南区). */
function theOne(names: readonly RegionName[]): Division | null {
  const meant = [...new Set(names.map(({ division }) => division))];
  if (meant.length === 1) return meant[0]!;
  return (
    meant.find(({ level }) => level === 'province') ??
    meant.find((division) => meant.every((other) => other === division || isWithin(other, division))) ??
    null
  );
}

interface Match {
  division: Division;
  end: number;
}

function isMeant(text: string, start: number, { division, end }: Match, place: Division | null): boolean {
  const after = text.slice(end);
  if (division.level === 'district') {
    if (place === null) return start === 0 && after === '';
    return BOUNDARY.test(after);
  }
  return BOUNDARY.test(after) || matchAt(text, skip(text, end), division) !== null || !NAMED_AFTER.test(after);
}

function matchAt(text: string, at: number, place: Division | null): Match | null {
  const candidates = (regionNames().get(text.slice(at, at + 2)) ?? [])
    .filter((name) => text.startsWith(name.text, at) && isWithin(name.division, place))
    // 东区, 郊区 alone say nothing.
    .filter(({ text: name, division }) => place !== null || division.level !== 'district' || !/^.区$/.test(name));
  const lengths = [...new Set(candidates.map((name) => name.text.length))].toSorted((a, b) => b - a);
  for (const length of lengths) {
    const named = candidates.filter((name) => name.text.length === length);
    const official = named.filter((name) => name.official);
    const division = theOne(official.length > 0 ? official : named);
    if (division === null) return null;
    const match = { division, end: at + length };
    if (official.length > 0 || isMeant(text, at, match, place)) return match;
  }
  return null;
}

/** Past what repeats a municipality (北京市北京市, 市辖区) or heads counties without a city. */
function skipRepetition(text: string, from: number, place: Division): number {
  const at = skip(text, from);
  const own = [simplified(place.name), shortName(simplified(place.name))];
  const repeated = place.level === 'province' ? own.find((name) => text.startsWith(name, at)) : undefined;
  const past = repeated === undefined ? at : skip(text, at + repeated.length);
  const heading = /^(?:市辖区|(?:省|自治区)?直辖县级行政区划)/.exec(text.slice(past));
  return heading ? skip(text, past + heading[0].length) : past;
}

function parsed(place: Division | null, rest: string): ParsedAddress {
  if (place === null) return { province: null, city: null, district: null, rest, regionCode: null };
  const { province, city, district, code } = regionOf(place);
  return { province, city, district, rest, regionCode: code };
}

function parseChinese(text: string): ParsedAddress {
  const lead = LEAD.exec(text)![0];
  const folded = simplified(text);
  let place: Division | null = null;
  let at = skip(folded, lead.length);
  const postcode = /^\d{6}/.exec(lead)?.[0] ?? '';
  for (let match = matchAt(folded, at, place); match; match = matchAt(folded, at, place)) {
    place = match.division;
    at = skip(folded, match.end);
    // Streets bear the names of places: what repeats one is skipped only where a division follows.
    const past = skipRepetition(folded, match.end, place);
    if (past !== at && (past === folded.length || matchAt(folded, past, place))) at = past;
  }
  return parsed(place, place === null ? text : [postcode, text.slice(at)].filter((part) => part !== '').join(' '));
}

const ENGLISH_NAMES = new Map(
  Object.entries({
    innermongolia: '150000',
    shaanxi: '610000',
    shanxi: '140000',
    tibet: '540000',
    hongkong: '810000',
    macau: '820000',
    macao: '820000',
    harbin: '230100',
    qiqihar: '230200',
    hohhot: '150100',
    ordos: '150600',
    hulunbuir: '150700',
    bayannur: '150800',
    ulanqab: '150900',
    urumqi: '650100',
    karamay: '650200',
    turpan: '650400',
    kashgar: '653100',
    kashi: '653100',
    hotan: '653200',
    aksu: '652900',
    lhasa: '540100',
    shigatse: '540200',
    xigaze: '540200',
    qamdo: '540300',
    nyingchi: '540400',
  }),
);
const LATIN_KIND =
  /\s*\b(?:(special administrative region|sar|autonomous region|province|sheng)|(municipality|prefecture|city|shi)|(new district|new area|district|county|qu|xian))$/;
const COUNTRY = /^(?:p\.?\s?r\.?\s?)?china$|^people's republic of china$|^p\.?r\.?c\.?$/;

let spellings: ReadonlyMap<string, Division[]> | undefined;

function divisionsSpelt(name: string): readonly Division[] {
  const english = divisions().get(ENGLISH_NAMES.get(name) ?? '');
  if (english) return [english];
  if (!spellings) {
    const bySpelling = new Map<string, Division[]>();
    for (const division of divisions().values()) {
      const syllables = pinyin(shortName(division.name), { toneType: 'none', type: 'array', v: true, surname: 'off' });
      const spelt = syllables.join('').replaceAll('v', 'u');
      bySpelling.set(spelt, [...(bySpelling.get(spelt) ?? []), division]);
    }
    spellings = bySpelling;
  }
  return spellings.get(name) ?? [];
}

function levelsOf(kind: RegExpExecArray | null, place: Division | null): Division['level'][] {
  if (kind?.[1]) return ['province'];
  if (kind?.[2]) return ['city', 'province', 'district'];
  if (kind?.[3]) return ['district'];
  // A bare word may be a street: as a district it counts only within its city.
  return place === null || regionOf(place).city === null ? ['province', 'city'] : ['district'];
}

function latinDivision(part: string, place: Division | null): Division | null {
  const kind = LATIN_KIND.exec(part);
  const name = (kind ? part.slice(0, kind.index) : part).replace(/[\s'’-]/g, '');
  const spelt = divisionsSpelt(name).filter((division) => isWithin(division, place));
  for (const level of levelsOf(kind, place)) {
    const meant = spelt.filter((division) => division.level === level);
    if (meant.length > 0) return meant.length === 1 ? meant[0]! : null;
  }
  return null;
}

const POSTCODE = /^\d{6}\b\s*|\s*\b\d{6}$/;

function parseLatin(text: string): ParsedAddress {
  let parts = text
    .split(/[,;，；]/)
    .map((part) => part.trim())
    .filter((part) => part !== '');
  let place: Division | null = null;
  const divisionIn = (part: string) => latinDivision(foldText(part).replace(POSTCODE, ''), place);
  for (let at = parts.findLastIndex(divisionIn); at >= 0; at = parts.findLastIndex(divisionIn)) {
    place = divisionIn(parts[at]!);
    const postcode = POSTCODE.exec(parts[at]!)?.[0].trim();
    parts = parts.toSpliced(at, 1, ...(postcode ? [postcode] : []));
  }
  if (place) parts = parts.filter((part) => !COUNTRY.test(foldText(part)));
  return parsed(place, place ? parts.join(', ') : text);
}

/**
 * Finds province, city and district of a Chinese address, or of one in Latin letters with commas: official and short names,
 * simplified and traditional characters, levels left out where the others settle them. What may be two places is none:
 * 朝阳区 alone lies in Beijing and in Changchun. A short name counts only where no street or institution is named after it.
 * @example parseAddress('深圳南山区科技园1号') // province 广东省, city 深圳市, district 南山区, rest 科技园1号, regionCode 440305
 * @example parseAddress('Nanshan District, Shenzhen, Guangdong').regionCode // '440305'
 */
export function parseAddress(raw: string): ParsedAddress {
  const text = correct(raw, TEXT_STEPS).value;
  return /\p{Script=Han}/u.test(text) ? parseChinese(text) : parseLatin(text);
}

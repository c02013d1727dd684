import { divisions, type Division } from './regions.ts';
import { foldText } from './text.ts';

/** A name by which a division is called: its official one, or a short one (深圳, 恩施州). */
export interface RegionName {
  text: string;
  official: boolean;
  division: Division;
}

const PEOPLES =
  /(?:(?:侗|水|满|回|黎|瑶|土家|土|哈萨克|柯尔克孜|蒙古|傣|哈尼|彝|白|普米|布依|苗|仡佬|藏|羌|拉祜|佤|布朗|塔吉克|纳西|锡伯|畲|撒拉|维吾尔|壮|朝鲜|景颇|傈僳|仫佬|裕固|达斡尔|怒|独龙|毛南|保安|东乡|各)族|蒙古|哈萨克|柯尔克孜|锡伯|塔吉克|达斡尔|维吾尔)$/;
const AUTONOMOUS = /自治(区|州|县|旗)$/;
const KIND = /(?:特别行政区|地区|新区|林区|省|市|区|县|盟|旗|群岛)$/;
let index: ReadonlyMap<string, RegionName[]> | undefined;

/** The official name without its kind of place and peoples: 恩施 for 恩施土家族苗族自治州. Never less than two characters. */
export function shortName(name: string): string {
  const kind = AUTONOMOUS.test(name) ? AUTONOMOUS : KIND;
  let short = name.replace(kind, '');
  for (let less = short.replace(PEOPLES, ''); kind === AUTONOMOUS && less.length >= 2 && less !== short;) {
    short = less;
    less = short.replace(PEOPLES, '');
  }
  return short.length >= 2 ? short : name;
}

/** Simplified characters, one for one, so that places in the text stay where they are. */
export function simplified(text: string): string {
  return text.replace(/\p{Script=Han}/gu, (character) => {
    const folded = foldText(character);
    return folded.length === character.length ? folded : character;
  });
}

function namesOf(division: Division): RegionName[] {
  const official = simplified(division.name);
  const short = shortName(official);
  const kind = AUTONOMOUS.exec(official)?.[1];
  const middle = kind && division.level !== 'province' ? [`${short}${kind}`, `${short}自治${kind}`] : [];
  const texts = [...new Set([official, ...middle, short])];
  return texts.map((text) => ({ text, official: text !== short || text === official, division }));
}

/** All names in simplified characters, by their first two. */
export function regionNames(): ReadonlyMap<string, readonly RegionName[]> {
  if (index) return index;
  const names = new Map<string, RegionName[]>();
  for (const division of divisions().values()) {
    for (const name of namesOf(division)) {
      const key = name.text.slice(0, 2);
      const same = names.get(key);
      if (same) same.push(name);
      else names.set(key, [name]);
    }
  }
  index = names;
  return names;
}

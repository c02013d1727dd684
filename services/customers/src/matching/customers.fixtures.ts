import type { MatchInput } from './match-record.ts';

/** A record of somebody, and who that is. */
export interface KnownRecord extends MatchInput {
  truth: string;
}

type Random = () => number;
type Entity = Omit<KnownRecord, 'id'>;

function seeded(seed: number): Random {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) >>> 0) / 2 ** 32;
  };
}

const words = (text: string) => text.split(' ');
// In the order of their frequency.
const surnames = [
  ...'王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许邓冯韩曹曾彭萧蔡潘田董袁于余叶蒋杜苏魏程吕丁沈任姚卢',
];
const characters = [
  ...'伟芳娜秀英敏静丽强磊军洋勇艳杰娟涛明超霞平刚桂兰文华建国红志海玉龙梅丹鹏飞宇浩佳欣怡子涵梓轩雨泽思远晓东春燕小云天佑嘉慧俊峰',
];
const homophones = new Map(
  words(
    '伟玮 芳方 静婧 丽莉 杰洁 娟鹃 涛韬 明铭 霞遐 刚钢 华桦 建健 志智 玉钰 宇羽 浩皓 欣昕 怡宜 晓小 燕艳 慧惠 俊峻',
  ).map((pair) => [pair[0]!, pair[1]!]),
);
const traditional = new Map(
  words(
    '张張 刘劉 陈陳 杨楊 黄黃 赵趙 吴吳 孙孫 马馬 罗羅 郑鄭 许許 邓鄧 冯馮 韩韓 伟偉 丽麗 强強 军軍 国國 华華 龙龍 飞飛',
  ).map((pair) => [pair[0]!, pair[1]!]),
);
const pinyin = new Map(
  words(
    '王wang 李li 张zhang 刘liu 陈chen 杨yang 伟wei 芳fang 娜na 敏min 静jing 丽li 强qiang 军jun 洋yang 勇yong 杰jie 涛tao 明ming 超chao',
  ).map((pair) => [pair[0]!, pair.slice(1)]),
);
const westernGiven = words(
  'james john robert michael william david richard joseph thomas charles mary patricia linda barbara elizabeth jennifer maria susan ' +
    'margaret dorothy peter anna hans sophie lucas emma lena felix chloé josé sofía björn ingrid giulia marco olga ivan fatima omar',
);
const syllables = words(
  'ber mar hol den wil son ton ley ford ham rich stein man ling er ros cal do ven mor gan fitz wood hall brook field wat',
);
const places = words(
  '浙江,杭州,31 广东,深圳,51 广东,广州,51 江苏,南京,21 四川,成都,61 湖北,武汉,43 陕西,西安,71 山东,青岛,26 福建,厦门,36 上海,上海,20 北京,北京,10',
).map((place) => place.split(','));
const cities = words(
  'London Leeds Bristol Chicago Boston Denver Berlin Hamburg Munich Lyon Paris Madrid Milan Sydney Perth Toronto',
);
const industries = words('科技 贸易 实业 电子 食品 医药 建材 机械 文化传媒 物流 环保 网络');
const trades = words('Foods Logistics Textiles Software Machinery Trading Media Energy Optics Tools');
const freeMail = words('qq.com 163.com 126.com gmail.com outlook.com hotmail.com sina.com yahoo.com');

/**
 * Customers in two languages with their duplicates, in no order: typos, other spellings, swapped and missing names, moved
 * addresses, changed numbers; and what only looks like a duplicate: families in one home with one phone, branches, and
 * mailboxes that many have. The same seed makes the same records.
 */
export function customers(count: number, seed = 1): KnownRecord[] {
  const random = seeded(seed);
  const chance = (share: number) => random() < share;
  const below = (limit: number) => Math.floor(random() * limit);
  const pick = <T>(list: readonly T[]): T => list[below(list.length)]!;
  const zipf = <T>(list: readonly T[]): T => list[Math.floor(list.length ** random()) - 1]!;
  const digits = (length: number) => Array.from({ length }, () => below(10)).join('');
  const syllable = (least: number) => Array.from({ length: least + below(2) }, () => pick(syllables)).join('');
  const capital = (word: string) => word.slice(0, 1).toUpperCase() + word.slice(1);

  const address = (isChinese: boolean) => {
    if (!isChinese) {
      const street = `${1 + below(200)} ${capital(syllable(2))} ${pick(['Street', 'Road', 'Avenue', 'Lane'])}`;
      return { country: 'GB', city: pick(cities), street, postcode: digits(5) };
    }
    const [province, city, code] = pick(places);
    const street = `${pick(characters)}${pick(characters)}${pick(['路', '街', '大道'])}${1 + below(900)}号`;
    return { country: 'CN', province, city: `${city}市`, street, postcode: `${code}${digits(4)}` };
  };
  const mobile = (isChinese: boolean) =>
    isChinese ? `1${pick(['38', '39', '58', '86'])}${digits(8)}` : `+4477${digits(8)}`;

  const person = (truth: string): Entity => {
    const isChinese = chance(0.6);
    const familyName = isChinese
      ? zipf(surnames)
      : chance(0.3)
        ? zipf(westernGiven.map((name) => `${name}son`))
        : syllable(2);
    const givenName = isChinese ? pick(characters) + (chance(0.7) ? pick(characters) : '') : zipf(westernGiven);
    const handle = isChinese
      ? pick([`${pick(syllables)}${digits(5)}`, digits(9)])
      : `${givenName}.${familyName}${below(90)}`;
    return {
      truth,
      kind: 'person',
      ...(isChinese
        ? { name: familyName + givenName }
        : { givenName: capital(givenName), familyName: capital(familyName) }),
      emails: chance(0.7) ? [`${handle.normalize('NFD').replace(/[^\w.]/g, '')}@${pick(freeMail)}`] : [],
      phones: chance(0.8) ? [mobile(isChinese)] : [],
      addresses: chance(0.7) ? [address(isChinese)] : [],
      birthDate: chance(0.4)
        ? `${1940 + below(65)}-${String(1 + below(12)).padStart(2, '0')}-${String(1 + below(28)).padStart(2, '0')}`
        : null,
    };
  };

  const company = (truth: string): Entity => {
    const isChinese = chance(0.6);
    const core = isChinese
      ? pick(characters) + pick(characters) + pick(characters) + pick(industries)
      : `${capital(syllable(2))} ${pick(trades)}`;
    const at = address(isChinese);
    const domain = `${syllable(3)}.${isChinese ? 'cn' : 'com'}`;
    const place = 'province' in at ? at.city!.slice(0, -1) : '';
    return {
      truth,
      kind: 'company',
      companyName: isChinese ? `${place}${core}有限公司` : `${core} ${pick(['Ltd', 'Inc.', 'GmbH'])}`,
      registrationNumber: chance(0.3) ? `9133${digits(14)}` : null,
      emails: chance(0.8) ? [`${pick(['info', 'sales', 'contact'])}@${domain}`] : [],
      phones: chance(0.7) ? [isChinese ? `0571-8${digits(7)}` : `+4420${digits(8)}`] : [],
      addresses: chance(0.8) ? [at] : [],
    };
  };

  const typo = (text: string) => {
    const at = 1 + below(Math.max(1, text.length - 1));
    const letter = String.fromCharCode(97 + below(26));
    return pick([
      text.slice(0, at) + text.slice(at + 1),
      text.slice(0, at) + letter + text.slice(at),
      text.slice(0, at) + letter + text.slice(at + 1),
      text.slice(0, at - 1) + (text[at] ?? '') + text[at - 1]! + text.slice(at + 1),
    ]);
  };
  const respelt = (text: string, by: ReadonlyMap<string, string>) =>
    [...text].map((each) => by.get(each) ?? each).join('');
  const otherName = ({ name, givenName, familyName }: Entity): Partial<Entity> => {
    if (typeof name === 'string') {
      const spelt = [...name].map((each) => pinyin.get(each));
      const latin = spelt.every(Boolean) ? `${spelt.slice(1).join('')} ${spelt[0]}` : name;
      return {
        name: pick([
          respelt(name, homophones),
          respelt(name, traditional),
          `${name}先生`,
          latin,
          ` ${name[0]} ${name.slice(1)}`,
        ]),
      };
    }
    const [given, family] = [givenName as string, familyName as string];
    return pick<Partial<Entity>>([
      { givenName: typo(given), familyName: family },
      { givenName: given, familyName: typo(family) },
      { givenName: family, familyName: given },
      { givenName: `${given.slice(0, 1)}.`, familyName: family },
      { givenName: undefined, familyName: undefined, name: `${family}, ${given}` },
      { givenName: undefined, familyName: undefined, name: `Dr. ${given} ${family.toUpperCase()}` },
    ]);
  };
  const otherCompany = (name: string) =>
    pick([
      name.replace(/有限公司$/u, '有限责任公司').replace(/ (Ltd|Inc\.|GmbH)$/, ' Limited'),
      name.replace(/有限公司$/u, '').replace(/ (Ltd|Inc\.|GmbH)$/, ''),
      name.replace(/^(杭州|深圳|南京|成都|武汉|西安|青岛|厦门)/u, '').toUpperCase(),
      /[a-z]/.test(name) ? typo(name) : `${name}  `,
    ]);

  /** The same again, as somebody else entered it. */
  const duplicate = (entity: Entity): Entity => {
    const isChinese = /\p{Script=Han}/u.test(`${entity.name as string}${entity.companyName as string}`);
    const [email] = entity.emails as string[];
    const [phone] = entity.phones as string[];
    const [home] = entity.addresses!;
    const copy: Entity = { ...entity };
    if (chance(0.45)) {
      if (entity.kind === 'person') Object.assign(copy, otherName(entity));
      else copy.companyName = otherCompany(entity.companyName as string);
    }
    if (email && chance(0.4))
      copy.emails = chance(0.5) ? [] : [pick([email.toUpperCase(), email.replace('@', '+x@'), typo(email)])];
    if (phone && chance(0.4)) {
      copy.phones = pick([
        [],
        [mobile(isChinese)],
        [isChinese ? `+86 ${phone}` : phone.replace('+44', '0044 ')],
        [phone, mobile(isChinese)],
      ]);
    }
    if (home && chance(0.4)) {
      copy.addresses = pick([
        [],
        [address(isChinese)],
        [{ ...home, postcode: null }],
        [{ ...home, street: home.street!.replace('Street', 'St.') }],
      ]);
    }
    if (typeof entity.birthDate === 'string' && chance(0.2))
      copy.birthDate = chance(0.5) ? null : entity.birthDate.replace(/\d$/, String(below(10)));
    return copy;
  };

  /** Somebody at the same address, with the same phone and mostly the same family name. */
  const relativeOf = (entity: Entity): Entity => {
    const other = person(`${entity.truth}/relative`);
    const isNamesake = other.givenName !== undefined && other.givenName === entity.givenName;
    const { phones, addresses } = entity;
    if (isNamesake) return relativeOf(entity);
    if (typeof other.name !== 'string')
      return { ...other, phones, addresses, familyName: entity.familyName ?? other.familyName };
    const name = typeof entity.name === 'string' ? entity.name[0]! + other.name.slice(1) : other.name;
    return name === entity.name ? relativeOf(entity) : { ...other, phones, addresses, name };
  };

  const records: Entity[] = [];
  for (let n = 0; records.length < count; n++) {
    const truth = `${n}`;
    const entity = chance(0.75) ? person(truth) : company(truth);
    records.push(entity);
    if (chance(0.15)) for (let copies = 1 + below(2); copies > 0; copies--) records.push(duplicate(entity));
    if (chance(0.05) && entity.kind === 'person') records.push(relativeOf(entity));
    if (chance(0.05) && entity.kind === 'company') {
      const name = entity.companyName as string;
      const companyName = /\p{Script=Han}/u.test(name)
        ? `${name}${pick(['苏州', '天津', '长沙'])}分公司`
        : `${name} - ${pick(['York', 'Bath'])} Branch`;
      records.push({
        ...entity,
        truth: `${truth}/branch`,
        companyName,
        registrationNumber: null,
        phones: [],
        addresses: [],
      });
    }
    // Everybody whom a fair, an office or a shop has entered has its mailbox.
    if (chance(0.02))
      for (const each of records.slice(-3)) each.emails = [pick(['info@messe.example', 'frontdesk@hotel.example'])];
  }
  const named = records
    .slice(0, count)
    .map((record) => ({ id: `${below(1e9)}-${record.truth}-${below(1e6)}`, ...record }));
  return named.toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

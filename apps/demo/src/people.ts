import type { Random } from './random.ts';

export type Place = {
  country: string;
  countryCode: string;
  province: string;
  provinceCode: string;
  city: string;
  district: string;
  street: string;
  postcode: string;
  /** GB/T 2260, within China. */
  areaCode: string;
};

export type Person = {
  language: 'zh' | 'en';
  familyName: string;
  givenName: string;
  /** ASCII spelling, family name first where that is the custom. */
  latin: { familyName: string; givenName: string };
  email: string;
  /** E.164. */
  phone: string;
  place: Place;
};

export type Company = {
  name: string;
  registrationNumber: string;
  industry: string;
  contact: Person;
};

const words = (text: string): [string, string][] =>
  text
    .trim()
    .split(/\s+/)
    .map((pair) => pair.split('=') as [string, string]);

// Surnames with readings of their own (单 Shan, 曾 Zeng, 解 Xie, 仇 Qiu) and double ones are in on purpose.
const zhSurnames =
  words(`王=Wang 李=Li 张=Zhang 刘=Liu 陈=Chen 杨=Yang 黄=Huang 赵=Zhao 吴=Wu 周=Zhou 徐=Xu 孙=Sun 马=Ma
  朱=Zhu 胡=Hu 郭=Guo 何=He 林=Lin 高=Gao 罗=Luo 郑=Zheng 梁=Liang 谢=Xie 宋=Song 唐=Tang 许=Xu 邓=Deng 曾=Zeng 单=Shan
  解=Xie 仇=Qiu 欧阳=Ouyang 上官=Shangguan 诸葛=Zhuge`);
const zhGiven = words(`伟=Wei 芳=Fang 娜=Na 秀英=Xiuying 敏=Min 静=Jing 丽=Li 强=Qiang 磊=Lei 军=Jun 洋=Yang 勇=Yong
  艳=Yan 杰=Jie 涛=Tao 明=Ming 超=Chao 秀兰=Xiulan 霞=Xia 平=Ping 刚=Gang 桂英=Guiying 文=Wen 云=Yun 建国=Jianguo
  子涵=Zihan 欣怡=Xinyi 浩然=Haoran 雨桐=Yutong 梓萱=Zixuan 思远=Siyuan 诗涵=Shihan 晓东=Xiaodong 海燕=Haiyan
  婷婷=Tingting 志强=Zhiqiang 淑华=Shuhua 宇航=Yuhang 若曦=Ruoxi 三=San 胜男=Shengnan 爽=Shuang 嘉怡=Jiayi`);
const traditional: [string, string, string, string][] = [
  ['陳', 'Chan', '美玲', 'Mei Ling'],
  ['張', 'Cheung', '志豪', 'Chi Ho'],
  ['劉', 'Lau', '慧敏', 'Wai Man'],
  ['黃', 'Wong', '國強', 'Kwok Keung'],
  ['葉', 'Yip', '詠詩', 'Wing Sze'],
];
const enGiven =
  'Olivia Amelia Emily Grace Sophie Hannah Chloe Lucy Kate Zoë Oliver George Noah Arthur Harry Jack Liam Mason Ethan Daniel Siân René'.split(
    ' ',
  );
const enFamily =
  "Smith Jones Taylor Brown Williams Wilson Johnson Davies Patel Wright Walker O'Connor Müller García McKenzie Nguyen Anderson Thompson Clarke Fernández".split(
    ' ',
  );
const emoji = ['🐟', '🌸', '🚀', '🍀', '☕️', '🐼'];

const place = (text: string): Place => {
  const [country, countryCode, province, provinceCode, city, district, street, postcode, areaCode] = text.split('|');
  return { country, countryCode, province, provinceCode, city, district, street, postcode, areaCode } as Place;
};
const zhPlaces = [
  'China|CN|北京市|BJ|北京市|海淀区|中关村大街|100080|110108',
  'China|CN|上海市|SH|上海市|浦东新区|张杨路|200120|310115',
  'China|CN|广东省|GD|深圳市|南山区|科技园南路|518057|440305',
  'China|CN|广东省|GD|广州市|天河区|体育西路|510620|440106',
  'China|CN|浙江省|ZJ|杭州市|西湖区|文三路|310012|330106',
  'China|CN|四川省|SC|成都市|锦江区|春熙路|610016|510104',
  'China|CN|江苏省|JS|南京市|鼓楼区|中山北路|210009|320106',
  'China|CN|湖北省|HB|武汉市|武昌区|中北路|430077|420106',
].map(place);
const hongKong = place('Hong Kong|HK|Kowloon|KL|香港|油尖旺區|彌敦道||');
const enPlaces = [
  'United Kingdom|GB|England|ENG|London||Camden High Street|NW1 7JE|',
  'United Kingdom|GB|Scotland|SCT|Edinburgh||Leith Walk|EH6 5DT|',
  'United States|US|California|CA|San Francisco||Valencia Street|94110|',
  'United States|US|New York|NY|Brooklyn||Bedford Avenue|11211|',
].map(place);

const numbered = (random: Random, at: Place): Place => ({
  ...at,
  street:
    at.countryCode === 'CN' || at.countryCode === 'HK'
      ? `${at.street}${random.int(1, 399)}号`
      : `${random.int(1, 399)} ${at.street}`,
});

const phoneFor = (random: Random, countryCode: string): string => {
  if (countryCode === 'CN')
    return `+861${random.pick(['35', '36', '38', '39', '50', '58', '59', '80', '86', '87'])}${random.digits(8)}`;
  if (countryCode === 'HK') return `+8526${random.digits(7)}`;
  // Ranges set aside for drama: nobody's phone rings.
  if (countryCode === 'GB') return `+447700900${random.int(0, 999).toString().padStart(3, '0')}`;
  return `+1${random.pick(['415', '212', '206'])}55501${random.digits(2)}`;
};

const ascii = (text: string): string =>
  text
    .normalize('NFD')
    .replace(/[^A-Za-z]/g, '')
    .toLowerCase();

const emailFor = (random: Random, { familyName, givenName }: Person['latin'], unique: number): string => {
  const [family, given] = [ascii(familyName), ascii(givenName)];
  const local = random.pick([`${given}.${family}`, `${family}${given}`, `${given.slice(0, 1)}${family}`]);
  return `${local}${unique}@${random.pick(['example.com', 'example.net', 'example.org'])}`;
};

/** @param unique a number that no other person has: it keeps e-mail addresses apart */
export const makePerson = (random: Random, unique: number, zhShare = 0.7): Person => {
  if (!random.chance(zhShare)) {
    const [givenName, familyName] = [random.pick(enGiven), random.pick(enFamily)];
    const at = numbered(random, random.pick(enPlaces));
    const latin = { familyName, givenName };
    return {
      language: 'en',
      familyName,
      givenName: random.chance(0.03) ? `${givenName} ${random.pick(emoji)}` : givenName,
      latin,
      email: emailFor(random, latin, unique),
      phone: phoneFor(random, at.countryCode),
      place: at,
    };
  }
  const inHongKong = random.chance(0.05);
  const [family, given] = [random.pick(zhSurnames), random.pick(zhGiven)];
  const [familyName, familyLatin, givenName, givenLatin] = inHongKong
    ? random.pick(traditional)
    : ([...family, ...given] as const);
  const at = numbered(random, inHongKong ? hongKong : random.pick(zhPlaces));
  const latin = { familyName: familyLatin, givenName: givenLatin };
  return {
    language: 'zh',
    familyName,
    givenName: random.chance(0.02) ? `${givenName}${random.pick(emoji)}` : givenName,
    latin,
    email: emailFor(random, latin, unique),
    phone: phoneFor(random, at.countryCode),
    place: at,
  };
};

/** The same person a while later: another phone, e-mail, name or address. */
export const changed = (random: Random, person: Person, unique: number): Person => {
  switch (random.pick(['phone', 'email', 'name', 'place'])) {
    case 'phone':
      return { ...person, phone: phoneFor(random, person.place.countryCode) };
    case 'email':
      return { ...person, email: emailFor(random, person.latin, unique) };
    case 'name': {
      if (person.language === 'en') return { ...person, familyName: `${person.familyName}-${random.pick(enFamily)}` };
      const [given, latin] = random.pick(zhGiven);
      return { ...person, givenName: given, latin: { ...person.latin, givenName: latin } };
    }
    default:
      return { ...person, place: numbered(random, random.pick(person.language === 'zh' ? zhPlaces : enPlaces)) };
  }
};

/** The same person as another system knows them: spelled in Latin letters, say. */
export const asElsewhere = (random: Random, person: Person): Person =>
  random.chance(0.4) ? { ...person, ...person.latin } : person;

/** A phone number the way people type it. */
export const typed = (random: Random, e164: string): string => {
  if (!e164.startsWith('+86')) return e164;
  const national = e164.slice(3);
  const [a, b, c] = [national.slice(0, 3), national.slice(3, 7), national.slice(7)];
  return random.pick([national, `${a} ${b} ${c}`, `${a}-${b}-${c}`, `+86 ${national}`, `0086${national}`]);
};

export const fullName = (person: Person): string =>
  /^[\p{Script=Han}]/u.test(person.familyName)
    ? `${person.familyName}${person.givenName}`
    : `${person.givenName} ${person.familyName}`;

const creditAlphabet = '0123456789ABCDEFGHJKLMNPQRTUWXY';
/** 统一社会信用代码 (GB 32100-2015): a company (91), its place, an organisation code with its own check digit, a check digit. */
export const creditCode = (random: Random, regionCode: string): string => {
  const organisation = random.digits(8);
  const weights = [3, 7, 9, 10, 5, 8, 4, 2];
  const rest = 11 - (weights.reduce((sum, weight, i) => sum + Number(organisation.charAt(i)) * weight, 0) % 11);
  const first17 = `91${regionCode}${organisation}${rest === 10 ? 'X' : rest === 11 ? '0' : rest}`;
  return first17 + creditCheck(first17);
};
export const creditCheck = (first17: string): string => {
  let [sum, weight] = [0, 1];
  for (const char of first17) {
    sum += creditAlphabet.indexOf(char) * weight;
    weight = (weight * 3) % 31;
  }
  return creditAlphabet.charAt((31 - (sum % 31)) % 31);
};

const companyWords = words(
  '云帆=Yunfan 启明=Qiming 华信=Huaxin 瑞丰=Ruifeng 博远=Boyuan 天成=Tiancheng 恒达=Hengda 新禾=Xinhe 远景=Yuanjing 鼎盛=Dingsheng',
);
const trades = [
  ['餐饮管理', '餐饮'],
  ['酒店', '住宿'],
  ['贸易', '批发'],
  ['科技', '软件'],
  ['文化传媒', '传媒'],
  ['食品', '食品'],
] as const;

export const makeCompany = (random: Random, unique: number): Company => {
  const at = random.pick(zhPlaces);
  const [brand] = random.pick(companyWords);
  const second = random.pick(companyWords)[0].slice(0, 1);
  const [trade, industry] = random.pick(trades);
  const city = at.city.replace('市', '');
  return {
    name: random.chance(0.5)
      ? `${city}${brand}${second}${trade}有限公司`
      : `${brand}${second}（${city}）${trade}有限公司`,
    registrationNumber: creditCode(random, at.areaCode),
    industry,
    contact: { ...makePerson(random, unique, 1), place: numbered(random, at) },
  };
};

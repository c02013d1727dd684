import type { FieldModel, KindModel, MatchModel } from './model.ts';

type Levels = Readonly<Record<string, readonly [m: number, u: number]>>;

const field = (
  levels: Levels,
  rare: number | null,
  frequencies: Readonly<Record<string, number>> = {},
): FieldModel => ({
  levels: Object.fromEntries(Object.entries(levels).map(([level, [m, u]]) => [level, { m, u }])),
  frequencies,
  rare,
});

// Shares of a mixed population, half of it Chinese: half of what the statistics below say of each.
// 公安部, 二〇二〇年全国姓名报告 (2021).
const chineseSurnames =
  '王 .0715 李 .0710 张 .0674 刘 .0538 陈 .0445 杨 .0310 黄 .0220 赵 .0210 吴 .0200 周 .0190 徐 .0145 孙 .0140 马 .0130 ' +
  '朱 .0125 胡 .0116 郭 .0115 何 .0110 林 .0108 高 .0105 罗 .0100';
const chineseGivenNames = '伟 .0034 芳 .0033 静 .0030 秀英 .0029 敏 .0028 丽 .0028 强 .0026 磊 .0025 军 .0025 洋 .0022';
// U.S. Census Bureau, Frequently Occurring Surnames from the 2010 Census; given names from the census of 1990.
const westernSurnames =
  'smith .0083 johnson .0066 williams .0055 brown .0049 jones .0048 garcia .0040 miller .0039 davis .0038 rodriguez .0037 ' +
  'martinez .0036 hernandez .0035 lopez .0030 gonzalez .0029 wilson .0027 anderson .0027 thomas .0026 taylor .0025 moore .0025';
const westernGivenNames =
  'james .0166 john .0164 robert .0157 michael .0131 william .0123 david .0118 richard .0085 charles .0076 joseph .0070 ' +
  'thomas .0069 mary .0131 patricia .0054 linda .0052 barbara .0049 elizabeth .0047 jennifer .0047 maria .0041 susan .0040';

const halved = (...lists: string[]) =>
  Object.fromEntries(
    [...lists.join(' ').matchAll(/(\S+) (\.\d+)/gu)].map(([, name, share]) => [name!, Number(share) / 2]),
  );

const email = field(
  {
    exact: [0.62, 1e-5],
    'local part': [0.09, 2e-4],
    similar: [0.09, 1e-3],
    organisation: [0.04, 2e-3],
    else: [0.16, 0.9968],
  },
  1e-5,
);
const phone = field({ exact: [0.72, 1e-5], 'last seven digits': [0.02, 1e-5], else: [0.26, 0.99998] }, 1e-5);
const place = field(
  {
    'postcode and city': [0.7, 2e-3],
    postcode: [0.06, 5e-4],
    city: [0.1, 0.01],
    near: [0.06, 0.02],
    province: [0.04, 0.05],
    else: [0.04, 0.9175],
  },
  1e-3,
);
const street = field(
  {
    exact: [0.6, 2e-5],
    'most words': [0.15, 1e-4],
    'half the words': [0.12, 3e-3],
    'some words': [0.06, 0.05],
    else: [0.07, 0.94688],
  },
  2e-5,
);
const companyLevels = {
  exact: [0.62, 2e-5],
  core: [0.18, 2e-5],
  similar: [0.08, 3e-4],
  'other branch or place': [0.04, 1e-4],
  alike: [0.04, 5e-3],
  else: [0.04, 0.99456],
} as const;
const code = { exact: [0.88, 1e-6], 'one edit': [0.08, 1e-5], else: [0.04, 0.999989] } as const;

const person: KindModel = {
  lambda: 2e-6,
  fields: {
    givenName: field(
      {
        exact: [0.72, 3e-3],
        simplified: [0.03, 3e-4],
        sound: [0.07, 2e-3],
        similar: [0.06, 3e-3],
        alike: [0.03, 4e-3],
        initials: [0.03, 5e-3],
        'remotely alike': [0.03, 0.04],
        else: [0.03, 0.9427],
      },
      5e-4,
      halved(chineseGivenNames, westernGivenNames),
    ),
    familyName: field(
      {
        exact: [0.76, 8e-3],
        simplified: [0.03, 8e-4],
        sound: [0.07, 3e-3],
        swapped: [0.03, 2e-5],
        similar: [0.04, 2e-3],
        alike: [0.02, 3e-3],
        initials: [0.01, 2e-3],
        'remotely alike': [0.02, 0.03],
        else: [0.02, 0.95118],
      },
      3e-4,
      halved(chineseSurnames, westernSurnames),
    ),
    nationalId: field(code, 1e-6),
    birthDate: field(
      {
        exact: [0.88, 5e-5],
        'one edit': [0.07, 1e-3],
        'within a month': [0.01, 3e-3],
        'within a year': [0.01, 0.03],
        else: [0.03, 0.96595],
      },
      5e-5,
    ),
    email,
    phone,
    place,
    street,
    employer: field(companyLevels, 1e-4),
  },
};

const company: KindModel = {
  lambda: 2e-6,
  fields: {
    company: field(companyLevels, 2e-5),
    registrationNumber: field(code, 1e-6),
    email,
    phone,
    place,
    street,
  },
};

/**
 * For single checks where no population was learnt: a customer base of some ten thousand persons and companies, Chinese
 * and Western, of which a few percent are there twice.
 */
export const builtInModel: MatchModel = {
  version: 1,
  kinds: { person, company },
  other: field(
    {
      exact: [0.75, 0.01],
      similar: [0.08, 0.01],
      alike: [0.04, 0.01],
      'remotely alike': [0.05, 0.07],
      else: [0.08, 0.9],
    },
    1e-3,
  ),
};

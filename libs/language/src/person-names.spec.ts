import fc from 'fast-check';
import { cleanCompanyName, cleanPersonName, splitName } from './person-names.ts';

describe('a whole name', () => {
  it.each([
    ['张三', '张', '三'],
    ['張 三豐', '張', '三豐'],
    ['欧阳修', '欧阳', '修'],
    ['歐陽娜娜', '歐陽', '娜娜'],
    ['司马相如', '司马', '相如'],
    ['John Smith', 'Smith', 'John'],
    ['Smith, John', 'Smith', 'John'],
    ['Ludwig van Beethoven', 'van Beethoven', 'Ludwig'],
    ['John F. Kennedy', 'Kennedy', 'John F.'],
    ['Zoë Müller-Lüdenscheidt', 'Müller-Lüdenscheidt', 'Zoë'],
    ['David Li', 'Li', 'David'],
  ])('%s has the family name %s and the given name %s', (name, familyName, givenName) => {
    expect(splitName(name)).toEqual({ familyName, givenName });
  });

  it.each([
    ['Zhang San'],
    ['San Zhang'],
    ['Kim Jisoo'],
    ['Mary Jane Watson'],
    ['Madonna'],
    ['张'],
    ['欧阳'],
    ['小王'],
    ['张先生'],
    ['Mr. Smith'],
    ['John Smith Jr.'],
    ['陳方安生'],
    ['山田太郎'],
    ['爱新觉罗·溥仪'],
    ['Иван Петров'],
    ['张三 John'],
    [''],
  ])('%j is left whole', (name) => {
    expect(splitName(name)).toBeNull();
  });

  it('loses nothing when split', () => {
    const word = fc.constantFrom('张', '欧', '阳', '三', 'John', 'van', 'F.', 'Smith', 'Li', ' ', ', ');
    fc.assert(
      fc.property(
        fc.array(word).map((words) => words.join('')),
        (name) => {
          const letters = (text: string) => [...text.replace(/[\s,]/g, '')].toSorted();
          const { familyName, givenName } = splitName(name) ?? { familyName: name, givenName: '' };
          expect(letters(familyName + givenName)).toEqual(letters(name));
        },
      ),
    );
  });
});

describe('a name', () => {
  it.each([
    ['JOHN SMITH', [{ rule: 'title-case', to: 'John Smith' }]],
    ["john o'neil-smith", [{ rule: 'title-case', to: "John O'Neil-Smith" }]],
    ['LUDWIG VAN BEETHOVEN', [{ rule: 'title-case', to: 'Ludwig van Beethoven' }]],
    ['张先生', [{ rule: 'salutation', to: '张' }]],
    ['Dr. Anna Bell', [{ rule: 'salutation', to: 'Anna Bell' }]],
    [
      'Mr. JOHN SMITH',
      [
        { rule: 'salutation', to: 'JOHN SMITH' },
        { rule: 'title-case', to: 'John Smith' },
      ],
    ],
    ['John Smith', []],
    ['McDonald', []],
    ['张三', []],
    ['先生', []],
    ['Drake Bell', []],
  ])('of a person stays %j, with suggestions', (name, suggestions) => {
    expect(cleanPersonName(name)).toEqual({ value: name, corrections: [], suggestions, problem: null });
  });

  it('of a person is tidied', () => {
    expect(cleanPersonName('Ｊｏｈｎ　\u200bSmith ').value).toBe('John Smith');
    expect(cleanPersonName(' \u200b')).toMatchObject({ value: '', problem: 'empty' });
  });

  it.each([
    ['ACME TRADING CO., LTD.', 'Acme Trading Co., Ltd.'],
    ['IBM CHINA', 'IBM China'],
    ['acme gmbh', 'Acme GmbH'],
  ])('of a company %s may be %s', (name, to) => {
    expect(cleanCompanyName(name)).toMatchObject({ value: name, suggestions: [{ rule: 'title-case', to }] });
  });

  it.each([['IBM'], ['阿里巴巴（中国）有限公司'], ['Acme GmbH'], ['3M']])('of a company %s is right', (name) => {
    expect(cleanCompanyName(name)).toEqual({ value: name, corrections: [], suggestions: [], problem: null });
  });

  it('is cleaned once and for all', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.constantFrom(cleanPersonName, cleanCompanyName), (raw, clean) => {
        const { value } = clean(raw);
        expect(clean(value)).toMatchObject({ value, corrections: [] });
      }),
    );
  });
});

import fc from 'fast-check';
import { namePart, personNames } from './name-match.ts';

const parts = (name: string) => personNames({ name }).map(({ given, family }) => [given?.folded, family?.folded]);

describe('a person’s name', () => {
  it.each([
    ['张三', '三', '张'],
    ['張 三', '三', '张'],
    ['欧阳修', '修', '欧阳'],
    ['歐陽娜娜', '娜娜', '欧阳'],
    ['王先生', undefined, '王'],
    ['张伟经理', '伟', '张'],
    ['约翰·史密斯', '约翰', '史密斯'],
    ['John Smith', 'john', 'smith'],
    ['Smith, John', 'john', 'smith'],
    ['Dr. José García Jr.', 'jose', 'garcia'],
    ['Ludwig van Beethoven', 'ludwig', 'van beethoven'],
    ['Madonna', undefined, 'madonna'],
    ['David 张', 'david', '张'],
  ])('%s is %s of the family %s', (name, given, family) => {
    expect(parts(name)).toEqual([[given, family]]);
  });

  it('may be two names', () => {
    expect(parts('张伟 (David Zhang)')).toEqual([
      ['伟', '张'],
      ['david', 'zhang'],
    ]);
  });

  it('is taken as given where its parts are known', () => {
    expect(personNames({ name: 'ignored', givenName: 'Anna', familyName: 'de Vries' })).toMatchObject([
      { given: { folded: 'anna' }, family: { folded: 'de vries' } },
    ]);
    expect(personNames({ familyName: ' 王 ' })).toMatchObject([{ given: null, family: { folded: '王' } }]);
  });

  it('is nothing without letters, and never throws', () => {
    expect(personNames({ name: ' ·, - ' })).toEqual([]);
    expect(personNames({})).toEqual([]);
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (name) => expect(personNames({ name })).toBeDefined()));
  });
});

describe('the forms of a name', () => {
  it('tell characters from sounds', () => {
    expect(namePart('曾')).toMatchObject({ folded: '曾', sounds: expect.arrayContaining(['zeng']) });
    expect(namePart('國強')).toEqual({ written: '國強', folded: '国强', sounds: ['guoqiang'], initials: ['gq'] });
    expect(namePart('呂')?.sounds).toEqual(['lv']);
  });

  it('spell umlauts both ways, and close what is hyphened', () => {
    expect(namePart('Müller')).toEqual({
      written: 'müller',
      folded: 'muller',
      sounds: ['muller', 'mueller'],
      initials: ['m'],
    });
    expect(namePart('Mary-Ann')).toMatchObject({ sounds: ['maryann'], initials: ['ma'] });
    expect(namePart('O’Brien')?.sounds).toEqual(['obrien']);
  });
});

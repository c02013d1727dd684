import { cleanGender } from './genders.ts';

describe('a gender', () => {
  it.each([
    ['男', 'male'],
    [' Ｍ ', 'male'],
    ['Mr.', 'male'],
    ['女士', 'female'],
    ['FEMALE', 'female'],
    ['其它', 'other'],
    ['female', 'female'],
    ['保密', '保密'],
    ['', ''],
  ])('%j is %s', (raw, gender) => {
    expect(cleanGender(raw).value).toBe(gender);
    expect(cleanGender(gender).corrections).toEqual([]);
  });

  it('keeps how it was entered beside it', () => {
    expect(cleanGender('女 ').corrections).toEqual([
      { rule: 'spaces', from: '女 ', to: '女' },
      { rule: 'gender', from: '女', to: 'female' },
    ]);
  });
});

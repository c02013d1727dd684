import { placeLevel, placeLevels, placeOf, postcodeAreas, streetOf, streetSimilarity } from './addresses.ts';

const place = (text: string) => {
  const [postcode, city, district, province] = text.split('/');
  return placeOf({ postcode, city, district, province })!;
};
const similarity = (a: string, b: string) => streetSimilarity(streetOf({ street: a })!, streetOf({ street: b })!);

describe('two places', () => {
  it.each([
    ['310012/杭州市', '310012/杭州', 'postcode and city'],
    ['310012', '310012/杭州', 'postcode and city'],
    ['310012/杭州', '310012/宁波', 'postcode'],
    ['/杭州/西湖区', '310012/杭州/西湖', 'city'],
    ['/Canterbury', '/Cantebury', 'near'],
    ['310012/杭州', '100871/杭州', 'near'],
    ['310012', '310021', 'near'],
    ['/杭州/西湖', '/杭州/余杭', 'near'],
    ['310012/杭州//浙江省', '315000/宁波//浙江', 'province'],
    ['310012/杭州//浙江', '510000/广州//广东', 'else'],
  ])('%s and %s agree in %s', (a, b, level) => {
    expect(placeLevels[placeLevel(place(a), place(b))]).toBe(level);
    expect(placeLevels[placeLevel(place(b), place(a))]).toBe(level);
  });

  it('cannot be compared where they know different things', () => {
    expect(placeLevel(place('310012'), place('/杭州'))).toBe(-1);
    expect(placeOf({ street: 'High Street' })).toBeNull();
  });

  it('lie in areas by their postcodes', () => {
    expect(postcodeAreas('310012')).toEqual(['3100', '31']);
    expect(postcodeAreas('4217')).toEqual(['42', '4']);
    expect(postcodeAreas('ec1a1bb')).toEqual(['ec1a', 'ec']);
  });
});

describe('two streets', () => {
  it('are the same in any order and abbreviation', () => {
    expect(streetOf({ street: '12 High St.' })).toEqual(streetOf({ street: 'HIGH STREET 12' }));
    expect(streetOf({ street: ' - ' })).toBeNull();
  });

  it('are alike by their words, which may be misspelt', () => {
    expect(similarity('12 Tullaroop Street', '12 Tularoop Street')).toBe(1);
    expect(similarity('12 High Street', '14 High Street')).toBeCloseTo(2 / 3);
    expect(similarity('文三路88号', '文三路90号')).toBeGreaterThan(0.5);
    expect(similarity('12 High Street', '3 Mill Lane')).toBe(0);
  });
});

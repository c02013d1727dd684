import fc from 'fast-check';
import { parseAddress } from './region-addresses.ts';
import { divisions, regionByCode } from './regions.ts';

describe('the divisions of an address', () => {
  it.each([
    ['广东省深圳市南山区科技园1号', '440305', '科技园1号'],
    ['广东 深圳 南山 科技园1号', '440305', '科技园1号'],
    ['廣東省廣州市天河區體育西路', '440106', '體育西路'],
    ['深圳南山区科技园', '440305', '科技园'],
    ['深圳科技园', '440300', '科技园'],
    ['北京朝阳区', '110105', ''],
    ['北京朝阳', '110105', ''],
    ['北京市北京市朝阳区建国路88号', '110105', '建国路88号'],
    ['上海市市辖区浦东新区世纪大道', '310115', '世纪大道'],
    ['上海漕溪北路100号', '310000', '漕溪北路100号'],
    ['北京北京路1号', '110000', '北京路1号'],
    ['浦东新区世纪大道', '310115', '世纪大道'],
    ['吉林', '220000', ''],
    ['吉林市船营区', '220204', ''],
    ['海南三亚', '460200', ''],
    ['海南州共和县', '632521', ''],
    ['海南省省直辖县级行政区划琼海市', '469002', ''],
    ['湖北省仙桃市', '429004', ''],
    ['恩施州利川市', '422802', ''],
    ['内蒙古呼和浩特', '150100', ''],
    ['陕西乾县', '610424', ''],
    ['陝西省乾縣', '610424', ''],
    ['江苏昆山', '320583', ''],
    ['昆山市花桥镇', '320583', '花桥镇'],
    ['中国香港弥敦道', '810000', '弥敦道'],
    ['臺灣臺北市', '710000', '臺北市'],
    ['518000 广东省，深圳市，南山区，科技园', '440305', '518000 科技园'],
    ['广东省朝阳区', '440000', '朝阳区'],
    ['　广东省　深圳市　', '440300', ''],
  ])('%j are %s, and the rest %j', (address, regionCode, rest) => {
    const parsed = parseAddress(address);
    expect(parsed).toMatchObject({ regionCode, rest });
    const { province, city, district } = regionByCode(regionCode)!;
    expect(parsed).toMatchObject({ province, city, district });
  });

  it.each([
    ['Guangdong', '440000', ''],
    ['Nanshan District, Shenzhen, Guangdong 518000, China', '440305', '518000'],
    ['12 Guangdong Road, Huangpu, Shanghai', '310101', '12 Guangdong Road'],
    ['Suzhou, Jiangsu', '320500', ''],
    ["Xi'an", '610100', ''],
    ['Shaanxi Province', '610000', ''],
    ['Shanxi', '140000', ''],
    ['Jilin City', '220200', ''],
    ['ÜRÜMQI', '650100', ''],
    ['Hong Kong', '810000', ''],
  ])('%j are %s, and the rest %j', (address, regionCode, rest) => {
    expect(parseAddress(address)).toMatchObject({ regionCode, rest });
  });

  it.each([
    ['朝阳区建国路'],
    ['朝阳'],
    ['中山'],
    ['东区1号'],
    ['南京西路1000号'],
    ['北京大学深圳医院'],
    ['东莞庄路2号'],
    ['延安高架路'],
    ['苏州河畔'],
    ['Suzhou'],
    ['Chaoyang District'],
    ['12 Main Street, Springfield'],
    ['东京都港区'],
    [''],
  ])('are not certain in %j', (address) => {
    const nothing = { province: null, city: null, district: null, regionCode: null };
    expect(parseAddress(address)).toEqual({ ...nothing, rest: address });
  });

  it('are found for every division by the names of those it lies in', () => {
    for (const { code } of divisions().values()) {
      const { province, city, district } = regionByCode(code)!;
      const address = [...new Set([province, city, district])].join('');
      expect([address, parseAddress(`${address}1号楼`)]).toEqual([
        address,
        { province, city, district, regionCode: code, rest: '1号楼' },
      ]);
    }
  });

  it('are never more than the text says, and reading never throws', () => {
    const pieces = fc.constantFrom(
      '北京',
      '市',
      '朝阳',
      '区',
      '海南',
      '州',
      '吉林',
      '省',
      '路',
      ' ',
      ',',
      '1号',
      '518000',
      'Jilin',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.array(pieces).map((all) => all.join('')),
          fc.string({ unit: 'binary' }),
        ),
        (address) => {
          const { regionCode, rest } = parseAddress(address);
          expect(regionCode === null || regionByCode(regionCode) !== null).toBe(true);
          expect(rest.length).toBeLessThanOrEqual(address.length * 4);
        },
      ),
    );
  });
});

import fc from 'fast-check';
import { companyName } from './companies.ts';

describe('a company’s name', () => {
  it.each([
    ['深圳市华为技术有限公司', '华为技术', '深圳', null],
    ['華為技術有限公司', '华为技术', null, null],
    ['华为技术（深圳）有限公司', '华为技术', '深圳', null],
    ['中国平安保险（集团）股份有限公司', '平安保险', '集团', null],
    ['北京京东世纪贸易有限公司上海分公司', '京东世纪贸易', '北京', '上海'],
    ['浙江省杭州云栖科技集团有限责任公司', '云栖科技', '杭州', null],
    ['上海银行股份有限公司', '上海银行', null, null],
    ['株式会社東芝', '东芝', null, null],
    ['Acme & Sons, Inc.', 'acme and sons', null, null],
    ['ACME and Sons Incorporated', 'acme and sons', null, null],
    ['Müller GmbH & Co. KG', 'muller', null, null],
    ['The Boring Company', 'boring', null, null],
    ['Telefónica S.A.', 'telefonica', null, null],
    ['Acme (Shanghai) Co., Ltd.', 'acme', 'shanghai', null],
    ['Acme Ltd - Leeds Branch', 'acme', null, 'leeds'],
    ["Levi's", 'levis', null, null],
    ['Group Inc', 'group', null, null],
    ['公司', '公司', null, null],
    ['(京)有限公司', '京', '京', null],
    ['(京)(北)', '京 北', '京', null],
  ])('%s is %s', (raw, core, place, branch) => {
    expect(companyName(raw)).toMatchObject({ core, place, branch });
  });

  it('says whether a legal form stood there', () => {
    expect(companyName('Acme Pte. Ltd.')?.hasLegalForm).toBe(true);
    expect(companyName('杭州云栖科技有限公司')?.hasLegalForm).toBe(true);
    expect(companyName('Acme')?.hasLegalForm).toBe(false);
    expect(companyName('张三')?.hasLegalForm).toBe(false);
  });

  it('always has a core where there is a letter, and never throws', () => {
    expect(companyName(' &-. ')).toBeNull();
    const name = fc.string({
      unit: fc.constantFrom('北', '京', '公', '司', '有限公司', '(', ')', ' ', 'a', 'inc', '&', '.'),
    });
    fc.assert(fc.property(name, (raw) => expect(companyName(raw)?.core ?? 'none').not.toBe('')));
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (raw) => expect(companyName(raw)?.core).not.toBe('')));
  });
});

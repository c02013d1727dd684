import fc from 'fast-check';
import { cleanSocialAccount, socialNetwork } from './social-accounts.ts';

describe('a social network', () => {
  it.each([
    ['微信', 'wechat'],
    ['Wei Xin', 'wechat'],
    ['WeChat', 'wechat'],
    ['新浪微博', 'weibo'],
    ['ＱＱ', 'qq'],
    ['领英', 'linkedin'],
    ['領英', 'linkedin'],
    ['Twitter', 'x'],
    ['小红书', 'xiaohongshu'],
    ['抖音', 'douyin'],
    ['IG', 'instagram'],
    ['脸书', 'facebook'],
    ['Kakao Talk', 'kakao talk'],
    ['constructor', 'constructor'],
  ])('%s is %s', (name, network) => {
    expect(socialNetwork(name)).toBe(network);
  });
});

describe('a social account', () => {
  it.each([
    ['微信', '微信号：zhang_san88', 'zhang_san88'],
    ['wechat', 'WeChat ID: Zhang-San', 'Zhang-San'],
    ['wechat', '13800138000', '13800138000'],
    ['qq', '１２３４５６', '123456'],
    ['weibo', '@人民日报', '人民日报'],
    ['weibo', 'https://weibo.com/u/1234567890', '1234567890'],
    ['linkedin', 'https://www.linkedin.com/in/Zhang-San/?locale=zh', 'zhang-san'],
    ['linkedin', 'cn.linkedin.com/in/%E5%BC%A0%E4%B8%89-1a', '张三-1a'],
    ['linkedin', 'linkedin.com/company/acme', 'company/acme'],
    ['x', 'https://twitter.com/Jack?lang=en', 'jack'],
    ['x', '@jack', 'jack'],
    ['facebook', 'https://www.facebook.com/profile.php?id=100001234', '100001234'],
    ['facebook', 'm.facebook.com/zhang.san', 'zhang.san'],
    ['instagram', 'http://instagram.com/Some.One/', 'some.one'],
    ['xiaohongshu', 'https://www.xiaohongshu.com/user/profile/5f0a', '5f0a'],
    ['douyin', 'dy_123', 'dy_123'],
    ['kakaotalk', ' a  b ', 'a b'],
  ])('of %s in %j is %s', (network, raw, value) => {
    expect(cleanSocialAccount(network, raw)).toMatchObject({ value, problem: null, suggestions: [] });
  });

  it.each([
    ['wechat', '张三'],
    ['wechat', 'ab1'],
    ['wechat', '1zhangsan'],
    ['qq', '0123456'],
    ['qq', '1234'],
    ['weibo', 'a b'],
    ['x', 'a_name_of_sixteen'],
    ['instagram', 'some..one'],
    ['instagram', 'someone.'],
    ['facebook', 'abc'],
    ['linkedin', 'https://example.com/in/zhang'],
  ])('of %s cannot be %j, which stays', (network, raw) => {
    expect(cleanSocialAccount(network, raw)).toMatchObject({ network, value: raw, problem: 'impossible' });
  });

  it('is empty where there is nothing', () => {
    expect(cleanSocialAccount('微信', '　')).toMatchObject({ network: 'wechat', value: '', problem: 'empty' });
    expect(cleanSocialAccount('kakaotalk', '')).toMatchObject({ problem: 'empty' });
  });

  it('is cleaned once and for all', () => {
    const network = fc.constantFrom('wechat', 'qq', 'weibo', 'linkedin', 'x', 'facebook', 'instagram', 'kakaotalk');
    const text = fc
      .array(
        fc.constantFrom(
          'https://',
          'x.com/',
          'linkedin.com/in/',
          '@',
          '微信：',
          'QQ:',
          ' ',
          'Jack',
          '%41',
          '%2F',
          '?id=1',
        ),
      )
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(network, fc.oneof(text, fc.string({ unit: 'binary' })), (name, raw) => {
        const { value, problem } = cleanSocialAccount(name, raw);
        expect(cleanSocialAccount(name, value)).toMatchObject({ value, problem, corrections: [] });
      }),
      { numRuns: 1000 },
    );
  });
});

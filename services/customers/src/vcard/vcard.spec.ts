import { describe, expect, it } from '@jest/globals';
import { normalisePhone } from '@throughline/language';
import { fieldsOf } from './card-fields.ts';
import { parseVcards } from './vcard.ts';
import { vcardOf } from './write-vcard.ts';

const read = (text: string | Uint8Array) =>
  parseVcards(typeof text === 'string' ? Buffer.from(text) : text).map((card) =>
    card === 'unreadable' ? card : fieldsOf(card),
  );
const card = (...lines: string[]) => ['BEGIN:VCARD', 'VERSION:3.0', ...lines, 'END:VCARD', ''].join('\r\n');

describe('a business card', () => {
  it('of version 3.0 is read with its kinds of numbers, its address and what is escaped', () => {
    const text = card(
      'N:Lovelace;Ada;Augusta;;',
      'FN:Ada Lovelace',
      'ORG:Analytical Engines\\, Ltd.;Research',
      'TITLE:Chief\\nMathematician',
      'item1.TEL;TYPE=CELL,PREF:+44 20 7946 0000',
      'TEL;TYPE=WORK;TYPE=FAX:+44 20 7946 0001',
      'EMAIL;TYPE=INTERNET,WORK:ada@example.com',
      'ADR;TYPE=WORK:;Suite 5;1 St James\\; Sq;London;;SW1Y;UK',
      'URL:https://example.com',
      'BDAY:1815-12-10T00:00:00Z',
      'CATEGORIES:vip,math',
      'X-SOCIALPROFILE;TYPE=linkedin:https://linkedin.example/ada',
      'IMPP;X-SERVICE-TYPE=Skype:skype:ada.l',
      'X-WECHAT:ada_wx',
      'NOTE:Met at the fair.',
      'PHOTO;ENCODING=b;TYPE=JPEG:AAAA',
    );
    expect(read(text)).toEqual([
      {
        kind: 'person',
        name: 'Ada Lovelace',
        givenName: 'Ada Augusta',
        familyName: 'Lovelace',
        companyName: 'Analytical Engines, Ltd.',
        department: 'Research',
        title: 'Chief\nMathematician',
        birthDate: '1815-12-10',
        emails: [{ value: 'ada@example.com', label: 'work' }],
        phones: [
          { value: '+44 20 7946 0000', label: 'mobile', primary: true },
          { value: '+44 20 7946 0001', label: 'fax' },
        ],
        addresses: [
          { street: '1 St James; Sq, Suite 5', city: 'London', postcode: 'SW1Y', country: 'UK', label: 'work' },
        ],
        socials: [
          { network: 'linkedin', value: 'https://linkedin.example/ada' },
          { network: 'skype', value: 'ada.l' },
          { network: 'wechat', value: 'ada_wx' },
        ],
        tags: ['vip', 'math'],
        custom: { website: 'https://example.com', note: 'Met at the fair.' },
        source: 'business-card',
      },
    ]);
  });

  it('of version 2.1 is read in quoted-printable and GBK, folded or broken anywhere', () => {
    // 张三 and 北京 in GBK.
    const lines = [
      'BEGIN:VCARD',
      'VERSION:2.1',
      'N;CHARSET=GBK;ENCODING=QUOTED-PRINTABLE:=D5=C5;=C8=FD',
      'FN;ENCODING=QUOTED-PRINTABLE;CHARSET=UTF-8:=E5=BC=A0=',
      '=E4=B8=89',
      'TEL;HOME;VOICE:010-12345678',
      'ADR;WORK;CHARSET=GBK;QUOTED-PRINTABLE:;;;=B1=B1=BE=A9;;;',
      'END:VCARD',
    ];
    const wanted = {
      name: '张三',
      familyName: '张',
      givenName: '三',
      phones: [{ value: '010-12345678', label: 'home' }],
      addresses: [{ city: '北京', label: 'work' }],
    };
    expect(read(lines.join('\n'))).toMatchObject([wanted]);
    const raw = Buffer.concat([
      Buffer.from('BEGIN:VCARD\r\nVERSION:2.1\r\nFN:'),
      Buffer.from([0xd5, 0xc5, 0xc8, 0xfd]),
      Buffer.from('\r\nEND:VCARD\r\n'),
    ]);
    expect(read(raw)).toMatchObject([{ name: '张三' }]);
    const folded = Buffer.from(card('FN:张三'));
    const within = folded.indexOf(Buffer.from('张')) + 1;
    const broken = Buffer.concat([folded.subarray(0, within), Buffer.from('\r\n '), folded.subarray(within)]);
    expect(read(broken)).toMatchObject([{ name: '张三' }]);
  });

  it('of version 4.0 names numbers as addresses, a company as such, and days without a year', () => {
    const text = card(
      'KIND:org',
      'FN:青禾茶业',
      'TEL;VALUE=uri;PREF=1;TYPE="voice,work":tel:+86-571-8765-4321;ext=806',
      'BDAY:--0412',
      'GENDER:F',
    );
    expect(read(text)).toMatchObject([
      {
        kind: 'company',
        name: '青禾茶业',
        gender: 'female',
        phones: [{ value: '+86-571-8765-4321 ext. 806', label: 'work', primary: true }],
      },
    ]);
    expect(read(text)[0]).not.toHaveProperty('birthDate');
    const phone = card('FN:李雷', 'BDAY;X-APPLE-OMIT-YEAR=1604:1604-03-02');
    expect(read(phone)[0]).not.toHaveProperty('birthDate');
  });

  it('is one of several, without what stands between or within them', () => {
    const agent = card('FN:One', 'AGENT:', 'BEGIN:VCARD', 'FN:Agent', 'END:VCARD', 'TITLE:CEO');
    const text = `\ufeff${agent}noise\r\n\r\n${card('FN:Two')}BEGIN:VCARD\r\nFN:Cut off`;
    expect(read(text)).toMatchObject([{ name: 'One', title: 'CEO' }, { name: 'Two' }, 'unreadable']);
    expect(read(Buffer.from(`\ufeff${card('FN:宽')}`, 'utf16le'))).toMatchObject([{ name: '宽' }]);
  });

  it('is not found where there is none', () => {
    for (const text of ['', 'hello', 'END:VCARD', ':', '\\', 'BEGIN:VCALENDAR\r\nEND:VCALENDAR', '=\r\n='])
      expect(read(text)).toEqual([]);
  });
});

describe('a customer’s card', () => {
  const fields = {
    kind: 'person' as const,
    name: '李晓雯, Sharon; Lee',
    givenName: '晓雯',
    familyName: '李',
    companyName: '杭州青禾茶业有限公司'.repeat(4),
    department: '供应链部',
    title: '采购\n经理',
    emails: [{ value: 'li@example.com', label: 'work', primary: true }],
    phones: [{ value: '138 5716 2043', e164: '+8613857162043', label: 'mobile' }],
    addresses: [{ country: 'CN', province: '浙江省', city: '杭州市', street: '文三路 478 号', postcode: '310012' }],
    socials: [{ network: 'wechat', value: 'qinghe' }],
    birthDate: '1989-11-23',
    gender: 'female',
    tags: ['VIP', 'a,b'],
    custom: { website: 'https://example.com', note: 'n', other: 1 },
  };

  it('says of itself what was read, in lines of at most 75 bytes', () => {
    const text = vcardOf('0190a1b2-0000-7000-8000-000000000001', fields);
    for (const line of text.split('\r\n')) expect(Buffer.byteLength(line)).toBeLessThanOrEqual(75);
    expect(read(text)).toEqual([
      {
        ...fields,
        phones: [{ value: '+8613857162043', label: 'mobile' }],
        custom: { website: 'https://example.com', note: 'n' },
        source: 'business-card',
      },
    ]);
  });

  it.each([
    ['010-88886666 转 123', '+861088886666', '123'],
    ['010-88886666-123', '+861088886666', '123'],
    ['+861088886666 ext. 123', '+861088886666', '123'],
    ['+1 (201) 555-0123 x22', '+12015550123', '22'],
  ])('says the extension of %j so that it is read back', (value, e164, extension) => {
    const text = vcardOf('0190a1b2-0000-7000-8000-000000000001', {
      name: 'x',
      phones: [{ value, e164, label: 'work' }],
    });
    expect(text).toContain(`TEL;VALUE=uri;TYPE=work:tel:${e164};ext=${extension}\r\n`);
    const [again] = read(text) as [{ phones: { value: string; label: string }[] }];
    expect(again.phones).toEqual([{ value: `${e164} ext. ${extension}`, label: 'work' }]);
    expect(normalisePhone(again.phones[0]?.value ?? '')).toMatchObject({ e164, extension });
  });

  it('leaves a number that is none as it was entered', () => {
    const text = vcardOf('0190a1b2-0000-7000-8000-000000000001', { name: 'x', phones: [{ value: '8888 转 1; 2' }] });
    expect(text).toContain('\r\nTEL:8888 转 1\\; 2\r\n');
  });

  it('says no address that was only inferred', () => {
    const addresses = [{ country: 'CN', province: '北京市', city: '北京市' }];
    const shown = { name: 'x', addresses, inferred: { region: 'region-from-area-code' } };
    const id = '0190a1b2-0000-7000-8000-000000000001';
    expect(vcardOf(id, shown)).toContain('\r\nADR');
    expect(vcardOf(id, { ...shown, inferred: { addresses: 'region-from-area-code' } })).not.toContain('ADR');
  });

  it('cannot be made to hold lines of its own', () => {
    const text = vcardOf('0190a1b2-0000-7000-8000-000000000001', {
      name: 'a\r\nTEL:1',
      socials: [{ network: 'x"\r\nTEL:2', value: 'y\rTEL:3' }],
    });
    expect(text).not.toMatch(/^TEL/m);
  });
});

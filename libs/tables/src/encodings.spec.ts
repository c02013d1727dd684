import iconv from 'iconv-lite';
import { failureOf, open, rowsOf, textsOf } from './tables.fixtures.ts';

const simplified = '姓名,公司,地址\n张三,上海科技有限公司,徐汇区虹桥路一号\n欧阳娜娜,北京贸易股份,朝阳区\n';
const traditional = '姓名,公司,地址\n陳大文,臺灣貿易股份有限公司,臺北市信義區\n歐陽,香港服務,中環\n';
const latin = 'Name;Straße;Größe\nMüller;Königsallee 1;5 €\nÅse Sørensen;Vågå;naïve café\n';
const cells = (text: string) =>
  text
    .trim()
    .split('\n')
    .map((line) => line.split(/[,;]/));

async function read(bytes: Buffer) {
  const table = await open(bytes);
  return {
    ...(table.format === 'csv' && { encoding: table.encoding, hasBom: table.hasBom }),
    cells: [table.header, ...(await textsOf(table))],
  };
}

describe('the encoding of a CSV file', () => {
  it.each([
    ['utf-8', simplified + '😀,,'],
    ['utf-8', latin],
    ['utf-16le', simplified],
    ['utf-16be', simplified + '𠮷,,'],
    ['utf-32le', simplified],
    ['utf-32be', traditional],
  ])('is %s by its mark, and without one by its bytes', async (encoding, text) => {
    const marked = iconv.encode(text, encoding, { addBOM: true });
    expect(await read(marked)).toEqual({ encoding, hasBom: true, cells: cells(text) });
    expect(await read(iconv.encode(text, encoding))).toEqual({ encoding, hasBom: false, cells: cells(text) });
  });

  it.each([
    ['gb18030', simplified],
    ['gb18030', '姓名,电话\n王伟,1\n'],
    ['gb18030', '一些\n一些'], // by chance UTF-8 as well
    ['gb18030', '姓名\n㐀䶵\n张𠮷\n'], // four bytes a character
    ['big5', traditional],
    ['big5', '姓名,電話\n陳,1\n'],
    ['windows-1252', latin],
    ['utf-8', 'name,city\nMüller,Köln\n'],
    ['utf-8', 'имя,город\nПётр,Москва\n'],
    ['utf-8', 'a,b\n1,2\n'],
  ])('is %s by what its bytes can mean: %j', async (encoding, text) => {
    expect(await read(iconv.encode(text, encoding))).toEqual({ encoding, hasBom: false, cells: cells(text) });
  });

  it('may have the mark of UTF-16 before UTF-32', async () => {
    for (const encoding of ['utf-32le', 'utf-32be']) {
      const bytes = Buffer.concat([Buffer.from('feff', 'hex'), iconv.encode(simplified, encoding)]);
      expect(await read(bytes)).toEqual({ encoding, hasBom: true, cells: cells(simplified) });
    }
  });

  it('shows however late it does', async () => {
    const ascii = 'name,city\n'.concat('Smith,Rome\n'.repeat(80_000));
    const table = await open(ascii + '张三,上海\n', {}, 'gb18030');
    expect(table).toMatchObject({ encoding: 'gb18030' });
    expect((await textsOf(table)).at(-1)).toEqual(['张三', '上海']);
  });

  it('is the one that is asked for', async () => {
    const cyrillic = 'имя,город\nПётр,Москва\n';
    expect(await failureOf(open(cyrillic, {}, 'windows-1251'))).toEqual({ code: 'unknown-encoding', params: {} });
    const table = await open(cyrillic, { encoding: 'Windows-1251' }, 'windows-1251');
    expect(table.header).toEqual(['имя', 'город']);
    expect(await open('\ufeffa,b', { encoding: 'UTF8' })).toMatchObject({ hasBom: true, header: ['a', 'b'] });
    for (const encoding of ['klingon', 'base64']) {
      expect(await failureOf(open('a', { encoding }))).toEqual({ code: 'unknown-encoding', params: { encoding } });
    }
  });

  it('that is broken somewhere gives that row an error; a replacement character of the file is none', async () => {
    const good = Buffer.from('a,b\n1,\ufffd\n2,张\n');
    expect((await rowsOf(await open(good))).map(({ error }) => error)).toEqual([undefined, undefined]);

    const bad = Buffer.concat([
      Buffer.from(`a,b\n${'1,张\n'.repeat(40)}`),
      Buffer.from([0x32, 0x2c, 0xe5, 0xbc, 0x0a]),
      Buffer.from('3,三\n'),
    ]);
    const rows = await rowsOf(await open(bad));
    expect(rows.filter(({ error }) => error).map(({ line, error }) => [line, error!.code, error!.params])).toEqual([
      [42, 'damaged-text', { line: 42, column: 2, encoding: 'utf-8' }],
    ]);
    expect(rows).toHaveLength(42);
  });

  it('of text with NUL in it gives that row an error', async () => {
    const rows = await rowsOf(await open('a,b\n1,x\0y\n2,z\n', { encoding: 'utf-8' }));
    expect(rows.map(({ error }) => error?.code)).toEqual(['damaged-text', undefined]);
  });
});

const compound = (name: string) => {
  const bytes = Buffer.alloc(2048);
  Buffer.from('d0cf11e0a1b11ae1', 'hex').copy(bytes);
  bytes.writeUInt16LE(9, 0x1e);
  bytes.writeUInt32LE(1, 0x30); // the directory is sector 1
  bytes.write(`${name}\0`, 1024, 'utf16le');
  return bytes;
};

describe('a file that is no table', () => {
  it.each([
    ['pdf', Buffer.from('%PDF-1.7\n')],
    ['png', Buffer.from('\x89PNG\r\n\x1a\n', 'latin1')],
    ['jpeg', Buffer.from([0xff, 0xd8, 0xff, 0xe0])],
    ['gzip', Buffer.from([0x1f, 0x8b, 8, 0])],
    ['html', Buffer.from('<html xmlns:x="urn:schemas-microsoft-com:office:excel"><table>')],
    ['html', Buffer.from('\ufeff\n<table><tr>')],
    ['xml', Buffer.from('<?xml version="1.0"?><Workbook>')],
    ['json', Buffer.from('[{"name": "Wei"}]')],
    ['binary', Buffer.from('SQLite format 3\0\x10\0\x01\x01\0@  ')],
    ['xls', compound('Workbook')],
    ['compound-file', compound('WordDocument')],
  ])('is named: %s', async (found, bytes) => {
    expect(await failureOf(open(bytes))).toEqual({ code: 'not-a-table', params: { found } });
  });

  it('may be one under a password', async () => {
    expect(await failureOf(open(compound('EncryptedPackage')))).toEqual({ code: 'encrypted-file', params: {} });
  });
});

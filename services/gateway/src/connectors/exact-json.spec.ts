import { decimal, divided, minus, sum, times } from './decimals.ts';
import { canonical, contentHash, parseExact } from './exact-json.ts';
import { decodeHtml } from './html-text.ts';

describe('exact JSON', () => {
  it('keeps every digit of numbers', () => {
    expect(parseExact('{"id":9007199254740993,"price":1.10,"rate":1E-7,"list":[0.30,-0]}')).toEqual({
      id: '9007199254740993',
      price: '1.10',
      rate: '1E-7',
      list: ['0.30', '-0'],
    });
  });
  it('keeps texts, booleans and null as they are', () => {
    expect(parseExact('{"a":"王小明 🍵","b":true,"c":null}')).toEqual({ a: '王小明 🍵', b: true, c: null });
  });
  it('reads past a byte order mark', () => {
    expect(parseExact('\ufeff{"a":1}')).toEqual({ a: '1' });
  });
  it('drops what a database cannot store in a text', () => {
    expect(parseExact('{"a":"x\\u0000y","b":"\\ud83d"}')).toEqual({ a: 'xy', b: '\ufffd' });
  });
  it('drops keys that would reach a prototype', () => {
    const read = parseExact('{"__proto__":{"admin":true},"a":{"__proto__":1,"b":2}}') as Record<string, unknown>;
    expect(Object.keys(read)).toEqual(['a']);
    expect(read['admin']).toBeUndefined();
    expect(({} as Record<string, unknown>)['admin']).toBeUndefined();
  });
  it.each([
    ['nothing', '', 'empty'],
    ['spaces', ' \n', 'empty'],
    ['half an object', '{"a":', 'not JSON'],
    ['a form', 'webhook_id=1', 'not JSON'],
    ['a bomb', '['.repeat(100_000) + ']'.repeat(100_000), 'deep'],
    ['a bomb that never ends', '{"a":'.repeat(100_000), 'deep'],
  ])('refuses %s', (_, body, why) => {
    expect(() => parseExact(body)).toThrow(why);
  });
  it('does not count brackets within texts', () => {
    expect(parseExact(`{"a":"${'['.repeat(500)}\\"${'{'.repeat(500)}"}`)).toHaveProperty('a');
  });
  it('never quotes the body in its refusal', () => {
    expect(() => parseExact('{"mail":"ada@example.org"')).toThrow(
      expect.not.stringContaining('ada') as unknown as Error,
    );
  });

  it('hashes what says the same to the same', () => {
    expect(contentHash({ a: '1', b: [{ d: 1, c: undefined }] })).toBe(contentHash({ b: [{ d: 1 }], a: '1' }));
    expect(contentHash({ a: ['1', '2'] })).not.toBe(contentHash({ a: ['2', '1'] }));
    expect(contentHash({ a: '1,2' })).not.toBe(contentHash({ a: ['1', '2'] }));
    expect(canonical({ b: null, a: 'é"' })).toBe('{"a":"é\\"","b":null}');
  });
});

describe('a decimal', () => {
  it.each([
    ['3', '3'],
    ['3.10', '3.1'],
    ['1e2', '100'],
    ['-10.00', '-10'],
    ['-0.00', '0'],
    ['.5', '0.5'],
    ['+7', '7'],
    ['1E-7', '0'],
    ['11.333333333333334', '11.333333'],
    ['0.0000005', '0.000001'],
    ['999999999999999.999999', '999999999999999.999999'],
  ])('%s is %s', (from, to) => {
    expect(decimal(from)).toBe(to);
  });
  it('has no more than 15 digits before the point', () => {
    expect(() => decimal('9007199254740993')).toThrow('15 digits');
  });
  it.each(['', 'abc', '1,50', '0x10', 'Infinity', 'NaN', '1e400', '--1', '1.2.3'])('is not %j', (text) => {
    expect(() => decimal(text, '/total')).toThrow(expect.objectContaining({ pointer: '/total' }) as Error);
  });
  it('adds, subtracts and multiplies exactly', () => {
    expect(sum(['0.1', '0.2'])).toBe('0.3');
    expect(sum(Array.from({ length: 1000 }, () => '0.01'))).toBe('10');
    expect(minus('1', '0.9', '0.1')).toBe('0');
    expect(times('99999999.99', '3')).toBe('299999999.97');
    expect(divided('40.00', '3')).toBe('13.333333');
    expect(divided('1', '0')).toBeUndefined();
  });
});

describe('HTML texts', () => {
  it.each([
    ['Tee &ndash; &#8220;A&#x201D; &amp;amp; &eacute;', 'Tee – “A” &amp; é'],
    ['&unknown; &#0; &#xD800; &#99999999; AT&T', '&unknown; &#0; &#xD800; &#99999999; AT&T'],
    ['&#128512;&nbsp;&euro;', '😀\u00a0€'],
  ])('%s', (from, to) => {
    expect(decodeHtml(from)).toBe(to);
  });
});

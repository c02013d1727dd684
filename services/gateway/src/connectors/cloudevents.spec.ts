import { cloudEvents } from './cloudevents.ts';

const event = {
  specversion: '1.0',
  id: 'A-1',
  source: '/till/7',
  type: 'com.example.sold',
  time: '2026-01-01T00:00:00Z',
};
const structured = { 'content-type': 'application/cloudevents+json; charset=UTF-8' };
const { specversion: _specversion, ...attributes } = event;

describe('CloudEvents', () => {
  it('are read in structured mode', () => {
    const body = JSON.stringify({ ...event, subject: null, data: { total: 1.5, id: 9 } });
    expect(cloudEvents(structured, body)).toEqual([{ ...attributes, data: { total: '1.5', id: '9' } }]);
    expect(cloudEvents({ 'content-type': 'application/json' }, body)).toHaveLength(1);
  });
  it('are read in batches', () => {
    const batch = JSON.stringify([event, { ...event, id: 'A-2' }]);
    const headers = { 'content-type': 'application/cloudevents-batch+json' };
    expect(cloudEvents(headers, batch)?.map(({ id }) => id)).toEqual(['A-1', 'A-2']);
    expect(cloudEvents(headers, '[]')).toEqual([]);
    expect(cloudEvents({ 'content-type': 'application/json' }, batch)).toHaveLength(2);
  });
  it('are read in binary mode, from HTTP and from Kafka', () => {
    const headers = {
      'content-type': 'application/json',
      'ce-specversion': '1.0',
      'ce-id': 'A-1',
      'ce-source': '/till/%E4%B8%8A%E6%B5%B7',
      'ce-type': 'com.example.sold',
    };
    const kafka = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name.replace('ce-', 'ce_'), value]),
    );
    const expected = [{ id: 'A-1', source: '/till/上海', type: 'com.example.sold', data: { n: '9007199254740993' } }];
    expect(cloudEvents(headers, '{"n":9007199254740993}')).toEqual(expected);
    expect(cloudEvents(kafka, '{"n":9007199254740993}')).toEqual(expected);
    expect(cloudEvents({ ...headers, 'ce-source': '100%' }, '')).toEqual([
      { id: 'A-1', source: '100%', type: 'com.example.sold' },
    ]);
  });
  it('may hold their data in base64', () => {
    const data_base64 = Buffer.from('{"id":9007199254740993}').toString('base64');
    expect(cloudEvents(structured, JSON.stringify({ ...event, data_base64 }))?.[0]?.data).toEqual({
      id: '9007199254740993',
    });
  });
  it.each([
    ['/data', { ...event, datacontenttype: 'application/xml', data: '<much wow="xml"/>' }],
    ['/data_base64', { ...event, datacontenttype: 'application/octet-stream', data_base64: 'AAAA' }],
    ['/data_base64', { ...event, data_base64: '... base64 ...' }],
    ['/data_base64', { ...event, data_base64: 'AAAA' }],
    ['/source', { ...event, source: '' }],
    ['/specversion', { ...event, specversion: '0.3' }],
  ])('are refused with the place: %s', (pointer, body) => {
    expect(() => cloudEvents(structured, JSON.stringify(body))).toThrow(expect.objectContaining({ pointer }) as Error);
  });
  it('are refused in other formats', () => {
    expect(() => cloudEvents({ 'content-type': 'application/cloudevents+avro' }, 'Obj')).toThrow('another format');
    const headers = {
      'ce-specversion': '1.0',
      'ce-id': '1',
      'ce-source': '/',
      'ce-type': 't',
      'content-type': 'text/xml',
    };
    expect(() => cloudEvents(headers, '<a/>')).toThrow('not JSON');
  });
  it('are told from other JSON', () => {
    expect(cloudEvents({}, '{"id":1}')).toBeUndefined();
    expect(cloudEvents({}, '[]')).toBeUndefined();
    expect(cloudEvents({}, '[{"id":1}]')).toBeUndefined();
  });
});

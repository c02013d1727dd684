import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

type Value = { stringValue?: string; arrayValue?: { values: Value[] } };
type Attribute = { key: string; value: Value };
type Exported = {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  attributes: Attribute[];
  links?: { traceId: string; spanId: string }[];
};
type Request = {
  resourceSpans: { resource: { attributes: Attribute[] }; scopeSpans: { spans: Exported[] }[] }[];
};

export type CollectedSpan = Required<Omit<Exported, 'attributes' | 'parentSpanId'>> & {
  parentSpanId: string | undefined;
  /** `service.name` of the process that it comes from. */
  process: string;
};

export type Collector = {
  /** What `OTEL_EXPORTER_OTLP_ENDPOINT` is to say. */
  url: string;
  spans: () => readonly CollectedSpan[];
  /** Every byte that came, as text. */
  raw: () => string;
  stop: () => Promise<void>;
};

/** An OpenTelemetry collector that keeps what it is sent: OTLP over HTTP, as JSON. */
export async function startCollector(): Promise<Collector> {
  const bodies: string[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const known = request.method === 'POST' && request.url === '/v1/traces';
      if (known) bodies.push(Buffer.concat(chunks).toString());
      response.writeHead(known ? 200 : 404, { 'content-type': 'application/json' }).end('{}');
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans: () => bodies.flatMap((body) => spansOf(JSON.parse(body) as Request)),
    raw: () => bodies.join('\n'),
    stop: async () => {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

const spansOf = ({ resourceSpans }: Request): CollectedSpan[] =>
  resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const process = resource.attributes.find(({ key }) => key === 'service.name')?.value.stringValue ?? '';
    return scopeSpans.flatMap(({ spans }) =>
      spans.map(({ traceId, spanId, parentSpanId, name, links = [] }) => ({
        traceId,
        spanId,
        parentSpanId,
        name,
        links,
        process,
      })),
    );
  });

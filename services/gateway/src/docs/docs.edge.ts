import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { OpenAPIObject } from '@nestjs/swagger';
import type { ServiceName } from '@throughline/contracts';
import { openApiOf } from '@throughline/service';
import { routes } from '../routing/routes.ts';

const owners = [...new Set(routes.map(({ service }) => service))];
const assets: Record<string, string> = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
};
const page = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Throughline API</title><link rel="stylesheet" href="/api/docs/swagger-ui.css"></head>
<body><div id="ui"></div><script src="/api/docs/swagger-ui-bundle.js"></script>
<script>SwaggerUIBundle({ url: '/api/openapi.json', dom_id: '#ui', persistAuthorization: true });</script></body>
</html>`;

/** One OpenAPI document of all services at `/api/openapi.json`, and Swagger UI at `/api/docs`. */
export function serveDocs(app: NestFastifyApplication, baseUrl: (service: ServiceName) => string): void {
  const fastify = app.getHttpAdapter().getInstance();
  const folder = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));

  fastify.get('/api/openapi.json', async () => {
    const others = await Promise.all(
      owners.map(async (service) => (await fetch(`${baseUrl(service)}/openapi.json`)).json() as Promise<OpenAPIObject>),
    );
    return merged([openApiOf(app, 'gateway'), ...others]);
  });
  fastify.get('/api/docs', (_, reply) => reply.type('text/html; charset=utf-8').send(page));
  for (const [name, type] of Object.entries(assets)) {
    fastify.get(`/api/docs/${name}`, async (_, reply) => reply.type(type).send(await readFile(join(folder, name))));
  }
}

function merged(documents: readonly OpenAPIObject[]): OpenAPIObject {
  const [first, ...others] = documents as [OpenAPIObject, ...OpenAPIObject[]];
  const paths = { ...first.paths };
  const components: Record<string, object> = { ...first.components };
  for (const document of others) {
    // Two services may answer one path by different methods.
    for (const [path, item] of Object.entries(document.paths)) paths[path] = { ...paths[path], ...item };
    for (const [kind, named] of Object.entries(document.components ?? {}))
      components[kind] = { ...components[kind], ...(named as object) };
  }
  return { ...first, paths, components };
}

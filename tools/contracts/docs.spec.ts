import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { Type } from 'typebox';
import { Ajv } from 'ajv';
import { Personal, described, dictionary, earlier, event, type EventDefinition } from '@throughline/contracts';
import { docs } from '../contracts.ts';
import { asyncApi } from './asyncapi.ts';
import { eventsPage } from './events-page.ts';
import { schemasOf } from './schema.ts';

const root = join(import.meta.dirname, '../..');
const read = (file: string) => readFileSync(join(root, file), 'utf8');
const text = Type.String();

describe('the documents of the contracts', () => {
  it.each(Object.entries(docs()))('%s is what `npm run contracts -- docs` writes', (file, content) => {
    // Not toBe: the difference of files so long is of no use to anybody.
    if (read(file) !== content) throw new Error(`${file} is stale: run \`npm run contracts -- docs\``);
    expect(content).not.toBe('');
  });

  it('are valid AsyncAPI 3.0', () => {
    const ajv = new Ajv({ strict: false, validateFormats: false });
    const schema = JSON.parse(read('node_modules/@asyncapi/specs/schemas/3.0.0-without-$id.json')) as object;
    const validate = ajv.compile(schema);
    const document = JSON.parse(read('docs/asyncapi.json')) as { channels: object };
    validate(document);
    expect(validate.errors).toBeNull();
    expect(validate({ ...document, channels: { sales: { address: 1 } } })).toBe(false);
  });

  it('refer to nothing that is not there', () => {
    const content = read('docs/asyncapi.json');
    const document = JSON.parse(content) as unknown;
    const found = [...content.matchAll(/"\$ref": "#\/([^"]+)"/g)].map(([, path = '']) => path);
    const lost = found.filter(
      (path) =>
        path.split('/').reduce<unknown>((at, name) => (at as Record<string, unknown> | undefined)?.[name], document) ===
        undefined,
    );
    expect(found.length).toBeGreaterThan(0);
    expect(lost).toEqual([]);
  });

  it('say of every event what it means', () => {
    const silent = Object.values(dictionary)
      .flatMap((events) => Object.entries<EventDefinition>(events))
      .filter(([, definition]) => !schemasOf(definition).at(-1)?.description);
    expect(silent.map(([type]) => type)).toEqual([]);
  });

  it('name versions, marks and what was written before', () => {
    const Noted = event(
      'note',
      {
        customerId: text,
        body: described(Personal(text, { subject: 'customerId' }), 'A | B.'),
        by: Type.Optional(text),
      },
      {
        description: 'Somebody wrote it down.',
        schemaVersion: 2,
        earlier: [earlier({ text: Personal(text) }, ({ text: body }) => ({ customerId: '', body }))],
      },
    );
    const page = eventsPage({ notes: { Noted } });
    expect(page).toContain('### Noted\n\nSomebody wrote it down. Version 2, stream `note`.');
    expect(page).toContain('| `body` | text | `customerId` | A \\| B. |\n| `by?` | text |  |  |');
    expect(page).toContain(
      'Version 1, no longer written:\n\n| Property | Type | Personal of | Meaning |\n| --- | --- | --- | --- |\n| `text` | text | the stream |  |',
    );
    const { messages } = asyncApi({ notes: { Noted } }, '1').components as unknown as {
      messages: Record<string, { payload: { properties: { data: object } }; 'x-personal': object }>;
    };
    expect(Object.keys(messages)).toEqual(['crm.notes.Noted.v1', 'crm.notes.Noted.v2']);
    expect(messages['crm.notes.Noted.v2']?.payload.properties.data).toEqual({
      type: 'object',
      properties: { customerId: { type: 'string' }, by: { type: 'string' } },
      required: ['customerId'],
    });
    expect(messages['crm.notes.Noted.v1']?.['x-personal']).toEqual({
      text: { subject: 'the id of the stream', schema: { type: 'string' } },
    });
  });
});

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { Type } from 'typebox';
import { Personal, described, dictionary, earlier, event, type EventDefinitions } from '@throughline/contracts';
import { brokenPromises, snapshotOf, type Released } from './released.ts';

const text = Type.String();
const Line = Type.Object({ sku: text, note: Type.Optional(text) });
const properties = {
  customerId: text,
  title: Personal(text),
  kind: Type.Union([Type.Literal('call'), Type.Literal('visit')]),
  lines: Type.Array(Line),
  due: Type.Optional(Type.Union([text, Type.Null()])),
  address: Type.Optional(Personal(Type.Union([Type.Object({ city: text }), Type.Null()]))),
};
type Properties = typeof properties;
const asked = (changes: object = {}, stream = 'question') =>
  event(stream, { ...properties, ...changes } as unknown as Properties);
const without = (name: keyof Properties) => {
  const { [name]: _, ...rest } = properties;
  return event('question', rest);
};
const versioned = (first: object) =>
  event(
    'question',
    { headline: text },
    {
      schemaVersion: 2,
      earlier: [earlier({ ...properties, ...first } as unknown as Properties, () => ({ headline: '' }))],
    },
  );
const broken = (present: EventDefinitions) =>
  brokenPromises(snapshotOf({ help: { Asked: asked() } }), snapshotOf({ help: present }));

const additive: [string, EventDefinitions][] = [
  ['nothing', { Asked: asked() }],
  ['a new type', { Asked: asked(), Answered: event('question', { by: text }) }],
  ['a new optional property', { Asked: asked({ channel: Type.Optional(text) }) }],
  ['a new optional property that is personal', { Asked: asked({ name: Type.Optional(Personal(text)) }) }],
  [
    'a new optional property within another one',
    { Asked: asked({ lines: Type.Array(Type.Object({ ...Line.properties, unit: Type.Optional(text) })) }) },
  ],
  [
    'a new optional property within a choice',
    {
      Asked: asked({
        address: Type.Optional(
          Personal(Type.Union([Type.Object({ city: text, street: Type.Optional(text) }), Type.Null()])),
        ),
      }),
    },
  ],
  ['a new version with an upcaster', { Asked: versioned({}) }],
  ['a description', { Asked: asked({ customerId: described(text, 'Who asks.') }) }],
];
const breaking: [string, EventDefinitions, string][] = [
  ['a type that is gone', {}, 'help.Asked: the type was removed or renamed'],
  ['a renamed type', { Wondered: asked() }, 'help.Asked: the type was removed or renamed'],
  ['another stream', { Asked: asked({}, 'ticket') }, 'help.Asked: its stream changed from question to ticket'],
  ['a property that is gone', { Asked: without('due') }, 'help.Asked.v1.due: the property was removed or renamed'],
  [
    'a property of a line that is gone',
    { Asked: asked({ lines: Type.Array(Type.Object({ sku: text })) }) },
    'help.Asked.v1.lines[].note: the property was removed or renamed',
  ],
  [
    'a new property that is required',
    { Asked: asked({ channel: text }) },
    'help.Asked.v1.channel: it is new and required, and stored events lack it',
  ],
  [
    'a property that became required',
    { Asked: asked({ due: Type.Union([text, Type.Null()]) }) },
    'help.Asked.v1.due: it became required, and stored events may lack it',
  ],
  [
    'a property that became optional',
    { Asked: asked({ customerId: Type.Optional(text) }) },
    'help.Asked.v1.customerId: it became optional, and readers count on it',
  ],
  [
    'another type',
    { Asked: asked({ customerId: Type.Integer() }) },
    'help.Asked.v1.customerId: it changed from {"type":"string"} to {"type":"integer"}',
  ],
  [
    'a narrowed type',
    { Asked: asked({ customerId: Type.String({ maxLength: 5 }) }) },
    'help.Asked.v1.customerId: it changed from {"type":"string"} to {"type":"string","maxLength":5}',
  ],
  [
    'a choice that is gone',
    { Asked: asked({ kind: Type.Union([Type.Literal('call')]) }) },
    'help.Asked.v1.kind: it can no longer be {"type":"string","const":"visit"}',
  ],
  [
    'a choice that readers do not know',
    { Asked: asked({ kind: Type.Union([...properties.kind.anyOf, Type.Literal('letter')]) }) },
    'help.Asked.v1.kind: it can be {"type":"string","const":"letter"} too, which readers of this version do not know',
  ],
  [
    'null that is gone',
    { Asked: asked({ due: Type.Optional(Type.Union([text])) }) },
    'help.Asked.v1.due: it can no longer be {"type":"null"}',
  ],
  [
    'a choice that changed within',
    { Asked: asked({ address: Type.Optional(Personal(Type.Union([Type.Object({}), Type.Null()]))) }) },
    'help.Asked.v1.address.city: the property was removed or renamed',
  ],
  [
    'a personal mark that is gone',
    { Asked: asked({ title: text }) },
    'help.Asked.v1.title: its personal mark changed from {} to none',
  ],
  [
    'a new personal mark',
    { Asked: asked({ customerId: Personal(text) }) },
    'help.Asked.v1.customerId: its personal mark changed from none to {}',
  ],
  [
    'another data subject',
    { Asked: asked({ title: Personal(text, { subject: 'customerId' }) }) },
    'help.Asked.v1.title: its personal mark changed from {} to {"subject":"customerId"}',
  ],
  [
    'an earlier version that changed',
    { Asked: versioned({ title: text }) },
    'help.Asked.v1.title: its personal mark changed from {} to none',
  ],
];

describe('a change of the contracts', () => {
  it.each(additive)('may be %s', (_, present) => {
    expect(broken(present)).toEqual([]);
  });

  it.each(breaking)('may not be %s', (_, present, word) => {
    expect(broken(present)).toEqual([word]);
  });

  it('may not take an earlier version away', () => {
    const released = snapshotOf({ help: { Asked: versioned({}) } });
    const present = snapshotOf({ help: { Asked: asked() } });
    expect(brokenPromises(released, present)).toContain('help.Asked.v2: the version was removed');
    expect(brokenPromises(released, {})).toEqual(['help.Asked: the type was removed or renamed']);
  });
});

describe('the contracts', () => {
  const file = join(import.meta.dirname, '../../libs/contracts/released.json');

  it('keep all that was released', () => {
    const released = JSON.parse(readFileSync(file, 'utf8')) as Released;
    expect(Object.keys(released)).toEqual(Object.keys(dictionary));
    expect(brokenPromises(released, snapshotOf(dictionary))).toEqual([]);
  });

  it('give every type to one service, or mean the same in all', () => {
    const meanings = new Map<string, Set<unknown>>();
    for (const [type, definition] of Object.values(dictionary).flatMap((events) => Object.entries(events))) {
      meanings.set(type, (meanings.get(type) ?? new Set()).add(definition));
    }
    expect([...meanings].filter(([, meaning]) => meaning.size > 1)).toEqual([]);
  });
});

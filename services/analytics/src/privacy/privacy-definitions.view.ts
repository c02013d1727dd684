import type { ConsentPurposeEvent, ConsentTextEvent, FieldClassEvent } from '@throughline/contracts';
import { fold } from '@throughline/event-sourcing';
import { Column, Entity, PrimaryColumn } from 'typeorm';

type Definition = ConsentPurposeEvent | ConsentTextEvent | FieldClassEvent;

/** What was configured about the use of personal data: a purpose, a text, the class of a field. */
@Entity()
export class PrivacyDefinition {
  @PrimaryColumn('text') key!: string;
  @Column('text') kind!: Definition['type'];
  @Column('json') definition!: object;
}

const keyOf = (event: { type: string; data: object }): string => {
  const said = { type: event.type, ...event.data } as Definition;
  switch (said.type) {
    case 'ConsentPurposeDefined':
      return `purpose ${said.key}`;
    case 'ConsentTextPublished':
      return `text ${JSON.stringify([said.purpose, said.textVersion, said.language])}`;
    case 'FieldClassed':
      return `class ${said.field}`;
  }
};

export const privacyDefinitions = fold<PrivacyDefinition, Definition>(PrivacyDefinition, {
  name: 'privacy_definitions',
  version: 1,
  feed: 'customers',
  key: keyOf,
  on: {
    ConsentPurposeDefined: (_, definition, event) => [{ key: keyOf(event), kind: event.type, definition }],
    ConsentTextPublished: (_, definition, event) => [{ key: keyOf(event), kind: event.type, definition }],
    FieldClassed: (_, definition, event) => [{ key: keyOf(event), kind: event.type, definition }],
  },
});

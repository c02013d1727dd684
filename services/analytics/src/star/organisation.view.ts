import { defaultTimeZone, type OrganisationEvent } from '@throughline/contracts';
import { fold } from '@throughline/event-sourcing';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { text } from './columns.view.ts';

/** What the organisation configured: one row, none before it did. */
@Entity()
export class Organisation {
  @PrimaryColumn('text') key!: string;
  @Column(text) name!: string | null;
  /** IANA name: local dates follow it, those of the past as well. */
  @Column('text') timeZone!: string;
  @Column(text) baseCurrency!: string | null;
}

const key = 'organisation';
const unconfigured: Organisation = { key, name: null, timeZone: defaultTimeZone, baseCurrency: null };

export const organisation = fold<Organisation, OrganisationEvent>(Organisation, {
  name: 'organisation',
  version: 1,
  feed: 'gateway',
  key: () => key,
  on: {
    OrganisationConfigured: ([before = unconfigured], { name, timeZone, baseCurrency }) => [
      {
        ...before,
        ...(name !== undefined && { name }),
        ...(timeZone !== undefined && { timeZone }),
        ...(baseCurrency !== undefined && { baseCurrency }),
      },
    ],
  },
});

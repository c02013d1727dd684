import { type OrganisationEvent } from '@throughline/contracts';
import { fold } from '@throughline/event-sourcing';
import { Column, Entity, PrimaryColumn } from 'typeorm';

const only = 'organisation';

@Entity()
export class OrganisationClock {
  @PrimaryColumn('text') id!: string;
  @Column('text', { nullable: true }) timeZone!: string | null;
}

/** Where the organisation's days begin. */
export const organisation = fold<OrganisationClock, OrganisationEvent>(OrganisationClock, {
  name: 'organisation',
  version: 1,
  feed: 'gateway',
  key: () => only,
  on: {
    OrganisationConfigured: ([before], { timeZone }) => [{ id: only, timeZone: timeZone ?? before?.timeZone ?? null }],
  },
});

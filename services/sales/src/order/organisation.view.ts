import { Injectable } from '@nestjs/common';
import { defaultTimeZone, type OrganisationEvent } from '@throughline/contracts';
import { fold } from '@throughline/event-sourcing';
import { Column, DataSource, Entity, PrimaryColumn } from 'typeorm';

const only = 'organisation';

@Entity()
export class OrganisationSettings {
  @PrimaryColumn('text') id!: string;
  @Column('text', { nullable: true }) baseCurrency!: string | null;
  @Column('text', { nullable: true }) timeZone!: string | null;
}

/** How the organisation is set up, as far as sales has to know. */
export const organisation = fold<OrganisationSettings, OrganisationEvent>(OrganisationSettings, {
  name: 'organisation',
  version: 1,
  feed: 'gateway',
  key: () => only,
  on: {
    OrganisationConfigured: ([before], { baseCurrency, timeZone }) => [
      {
        id: only,
        baseCurrency: baseCurrency ?? before?.baseCurrency ?? null,
        timeZone: timeZone ?? before?.timeZone ?? null,
      },
    ],
  },
});

@Injectable()
export class Organisation {
  constructor(private readonly database: DataSource) {}

  async settings(): Promise<{ baseCurrency?: string; timeZone: string }> {
    const row = await this.database.getRepository(OrganisationSettings).findOneBy({ id: only });
    return {
      ...(row?.baseCurrency && { baseCurrency: row.baseCurrency }),
      timeZone: row?.timeZone ?? defaultTimeZone,
    };
  }
}

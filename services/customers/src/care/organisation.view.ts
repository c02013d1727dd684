import { Injectable } from '@nestjs/common';
import { defaultTimeZone, type OrganisationEvent } from '@throughline/contracts';
import { fold } from '@throughline/event-sourcing';
import { Kernel } from '@throughline/service';
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

@Injectable()
export class OrganisationTime {
  constructor(private readonly kernel: Kernel) {}

  /** IANA name. */
  async zone(): Promise<string> {
    const { rows } = await this.kernel.pool.query<{ zone: string }>(
      `select time_zone as zone from "${organisation.table}" where time_zone is not null limit 1`,
    );
    return rows[0]?.zone ?? defaultTimeZone;
  }
}

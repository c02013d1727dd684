import { Injectable } from '@nestjs/common';
import type { ExchangeRateEvent } from '@throughline/contracts';
import { fold } from '@throughline/event-sourcing';
import { Kernel } from '@throughline/service';
import { Column, DataSource, Entity, Index, PrimaryColumn } from 'typeorm';

@Entity()
@Index('exchange_rate_of_pair_v1', ['currency', 'base', 'date'])
export class ExchangeRateRow {
  /** `<currency>/<base>/<date>` */
  @PrimaryColumn('text') id!: string;
  @Column('text') currency!: string;
  @Column('text') base!: string;
  @Column('date') date!: string;
  @Column('numeric') rate!: string;
}

export const exchangeRates = fold<ExchangeRateRow, ExchangeRateEvent>(ExchangeRateRow, {
  name: 'exchange_rates',
  version: 1,
  feed: 'sales',
  key: ({ data }) => `${data.currency}/${data.base}/${data.date}`,
  on: {
    ExchangeRateSet: (_, { currency, base, rate, date }) => [
      { id: `${currency}/${base}/${date}`, currency, base, rate, date },
    ],
  },
});

const longestWait = 10_000;

@Injectable()
export class ExchangeRates {
  constructor(
    private readonly database: DataSource,
    private readonly kernel: Kernel,
  ) {}

  /** Newest dates first. */
  list(which: { currency?: string; base?: string }, from: number, limit: number): Promise<ExchangeRateRow[]> {
    const order = { date: 'DESC', currency: 'ASC', base: 'ASC' } as const;
    return this.database.getRepository(ExchangeRateRow).find({ where: which, order, skip: from, take: limit });
  }

  /** All rates of a pair, those that were set a moment ago as well. */
  async ofPair(streamId: string, currency: string, base: string): Promise<{ date: string; rate: string }[]> {
    const rows = await this.database.query<{ last: string | null }[]>(
      `select max(position) as last from events where stream_type = 'exchange-rate' and stream_id = $1`,
      [streamId],
    );
    const last = Number(rows[0]?.last ?? 0);
    await this.kernel.viewsHold([exchangeRates], last, longestWait);
    return this.database.getRepository(ExchangeRateRow).find({
      select: { date: true, rate: true },
      where: { currency, base },
    });
  }
}

import { Injectable } from '@nestjs/common';
import { known, recordTelling, type CustomerEvent, type Erased } from '@throughline/contracts';
import { fold } from '@throughline/event-sourcing';
import { Kernel } from '@throughline/service';
import { Column, DataSource, Entity, In, Index, MoreThan, PrimaryColumn } from 'typeorm';

/** What a record says of other customers; of those merged, each says its own. */
@Entity()
export class CustomerLink {
  @PrimaryColumn('uuid') recordId!: string;
  @Index() @Column({ type: 'uuid', nullable: true }) employerId!: string | null;
  @Index() @Column({ type: 'uuid', nullable: true }) parentId!: string | null;
  @Index() @Column({ type: 'uuid', nullable: true }) referredBy!: string | null;
  /** The record that answers for it. */
  @Column('uuid') goldenId!: string;
}

export const linkFields = ['employerId', 'parentId', 'referredBy'] as const;

type Said = {
  employerId?: string | Erased | null;
  parentId?: string | null;
  referredBy?: string | Erased | null;
};
const after = (given: string | Erased | null | undefined, before: string | null): string | null =>
  given === undefined ? before : (known(given) ?? null);

export const customerLinks = fold<CustomerLink, CustomerEvent>(CustomerLink, {
  name: 'customer_links',
  version: 2,
  feed: 'customers',
  key: recordTelling(...linkFields),
  on: {
    CustomerCreated: (_, { employerId, parentId, referredBy }: Said, { stream }) => [
      {
        recordId: stream.id,
        employerId: after(employerId, null),
        parentId: after(parentId, null),
        referredBy: after(referredBy, null),
        goldenId: stream.id,
      },
    ],
    CustomerDetailsChanged: (rows, { employerId, parentId, referredBy }: Said) =>
      rows.map((row) => ({
        ...row,
        employerId: after(employerId, row.employerId),
        parentId: after(parentId, row.parentId),
        referredBy: after(referredBy, row.referredBy),
      })),
    CustomerAbsorbed: (rows, { goldenId }) => rows.map((row) => ({ ...row, goldenId })),
    CustomerReleased: (rows, _, { stream }) => rows.map((row) => ({ ...row, goldenId: stream.id })),
    CustomerErased: () => [],
  },
});

const longestWait = 10_000;

@Injectable()
export class CustomerLinks {
  constructor(
    private readonly database: DataSource,
    private readonly kernel: Kernel,
  ) {}

  /** Waits until all that was said so far is known. @throws Refusal `too-busy` */
  async upToNow(): Promise<void> {
    await this.kernel.viewsHold([customerLinks], await this.kernel.feed().head(), longestWait);
  }

  /**
   * What records say that name any of these in any way, by their ids.
   *
   * @param after the id that the page before ended with
   */
  ofNaming(ids: readonly string[], after: string, limit: number): Promise<CustomerLink[]> {
    return this.database.getRepository(CustomerLink).find({
      where: linkFields.map((field) => ({ [field]: In([...ids]), recordId: MoreThan(after) })),
      order: { recordId: 'ASC' },
      take: limit,
    });
  }

  /** Of these, those that a record names in any way. */
  async named(ids: readonly string[]): Promise<string[]> {
    const { rows } = await this.kernel.pool.query<{ id: string }>(
      `select id from unnest($1::uuid[]) id
       where exists (select from "${customerLinks.table}" where employer_id = id)
         or exists (select from "${customerLinks.table}" where parent_id = id)
         or exists (select from "${customerLinks.table}" where referred_by = id)`,
      [ids],
    );
    return rows.map(({ id }) => id);
  }

  /**
   * Customers with a record that names one of these, each once, by id.
   *
   * @param after the id that the page before ended with
   */
  async naming(field: 'employerId' | 'parentId', ids: readonly string[], after: string, limit: number) {
    const rows = await this.database
      .getRepository(CustomerLink)
      .createQueryBuilder('link')
      .select('link.goldenId', 'id')
      .where({ [field]: In([...ids]), goldenId: MoreThan(after) })
      .groupBy('link.goldenId')
      .orderBy('link.goldenId')
      .limit(limit)
      .getRawMany<{ id: string }>();
    return rows.map(({ id }) => id);
  }
}

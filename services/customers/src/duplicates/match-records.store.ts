import { Injectable } from '@nestjs/common';
import { gathered } from '@throughline/event-sourcing';
import { Kernel } from '@throughline/service';
import { blockingKeys } from '../matching/blocking-keys.ts';
import { builtInModel } from '../matching/built-in-model.ts';
import { findCandidates, type Candidate, type MatchIndex } from '../matching/candidates.ts';
import type { MatchRecord } from '../matching/match-record.ts';
import { scoreOf, thresholds } from '../matching/score.ts';
import { MatchQuestions, type MatchAnswer, type MatchQuestion } from './match-questions.store.ts';
import { matchRecords, type MatchRow } from './match-records.view.ts';

/** What is shown of one side of a pair. */
export type Named = { recordId: string; customerId: string; number: string; name: string | null };

/** A record that another may be a duplicate of, with the customer that it belongs to. */
export type Found = Candidate & { customerId: string };

/** A record to find duplicates of, without those of its own customer: they are no duplicates of each other. */
export type Sought = { record: MatchRecord; goldenId: string | null };

type ComparedRow = Pick<MatchRow, 'goldenId' | 'compared' | 'active'>;
/** `by`: the transaction that wrote it last. */
type Read = { by: string; compared: MatchRecord };
/** `compared`: null where it is known what was written last. */
type ReadRow = Pick<ComparedRow, 'goldenId' | 'active'> & { id: string; by: string; compared: MatchRecord | null };
type AskIndex = (questions: readonly MatchQuestion[]) => Promise<ReadonlyMap<MatchQuestion, MatchAnswer>>;

const longestWait = 10_000;
const firstId = '00000000-0000-0000-0000-000000000000';
const pageSize = 2_000;
/** How many records are kept in memory as they are compared. */
const mostRead = 10_000;
/** Of one value, how many that have it are looked at. */
const mostSharing = 20;
/** Of one name, as it sounds: those who write it in the same way are among more who do not. */
const mostNamesakes = 100;

/** Of each customer its first record. */
export function oneOfEach(found: readonly Found[]): Found[] {
  const customers = new Set<string>();
  return found.filter(({ customerId }) => !customers.has(customerId) && customers.add(customerId));
}

/** Looks for duplicates among all records, as far as the view has come. */
@Injectable()
export class MatchRecords {
  /** Those who ask one by one at the same time, as policies do. */
  readonly #together: AskIndex = gathered((questions) => this.index.ask(questions));
  /** By the ids of records: many are held against the same ones, and reading them takes longer than comparing. */
  readonly #read = new Map<string, Read>();
  /** What is compared of records, and whose they are. */
  readonly rows = gathered(async (recordIds: readonly string[]): Promise<ReadonlyMap<string, ComparedRow>> => {
    const known = new Map(recordIds.map((id) => [id, this.#read.get(id)]));
    const { rows } = await this.kernel.pool.query<ReadRow>(
      `select record_id as id, golden_id as "goldenId", active, m.xmin::text as by,
         case when m.xmin::text is distinct from known.by then compared end as compared
       from unnest($1::uuid[], $2::text[]) as known(id, by) join "${matchRecords.table}" m on m.record_id = known.id`,
      [recordIds, recordIds.map((id) => known.get(id)?.by ?? null)],
    );
    if (this.#read.size > mostRead) this.#read.clear();
    return new Map(
      rows.map(({ id, goldenId, active, by, compared: fresh }) => {
        const compared = fresh ?? (known.get(id) as Read).compared;
        this.#read.set(id, { by, compared });
        return [id, { goldenId, active, compared }];
      }),
    );
  });
  readonly #reached = gathered(async (positions: readonly number[]) => {
    await this.kernel.viewsHold([matchRecords], Math.max(...positions), longestWait);
    return new Map<number, true>();
  });

  constructor(
    private readonly kernel: Kernel,
    private readonly index: MatchQuestions,
  ) {}

  /**
   * The customers that a record may be a duplicate of, the strongest first.
   *
   * @param goldenId the customer whose records are left out
   */
  candidatesOf(record: MatchRecord, goldenId: string | null, threshold: number = thresholds.review): Promise<Found[]> {
    return this.#candidatesOf({ record, goldenId }, this.#together, threshold);
  }

  /** As `candidatesOf` of each; what one of them asks the view travels with what the others ask. */
  async candidatesOfEach<S extends Sought>(
    all: readonly S[],
    threshold: number = thresholds.review,
  ): Promise<ReadonlyMap<S, Found[]>> {
    const ask: AskIndex = gathered((questions) => this.index.ask(questions));
    return new Map(
      await Promise.all(all.map(async (sought) => [sought, await this.#candidatesOf(sought, ask, threshold)] as const)),
    );
  }

  /**
   * The customers that have an identity in common with a record (an e-mail, a phone, a number), whatever else differs; and
   * where it is sought `byName`, some of those who are called like it.
   */
  async sharingWithEach<S extends Sought & { byName?: boolean }>(all: readonly S[]): Promise<ReadonlyMap<S, Found[]>> {
    const asked = all.map((sought) => {
      const { identities, joint, names, facets } = blockingKeys(sought.record);
      const some = (keys: readonly string[], limit: number) =>
        keys.map((key) => ({ keys: [key], limit, some: true as const, worth: 1 }));
      // A name of one word is no block: too many share a part of theirs with it.
      const called = names.length > 0 ? names : facets.filter((facet) => /^(given|family) is /.test(facet));
      const namesakes = sought.byName === true ? some(called, mostNamesakes) : [];
      const queries = [...some([...identities, ...joint], mostSharing), ...namesakes];
      return { sought, question: { queries, least: 1, goldenId: sought.goldenId } };
    });
    const answers = await this.index.ask(asked.map(({ question }) => question));
    const rows = await this.rows([...answers.values()].flatMap(({ ids }) => ids));
    return new Map(
      asked.map(({ sought, question }) => {
        const found = (answers.get(question)?.ids ?? []).flatMap((id) => {
          const row = rows.get(id);
          if (!row) return [];
          const { compared: record, goldenId: customerId } = row;
          return [{ record, customerId, ...scoreOf(builtInModel, sought.record, record) }];
        });
        return [sought, oneOfEach(found.toSorted((a, b) => b.weight - a.weight))];
      }),
    );
  }

  async #candidatesOf({ record, goldenId }: Sought, ask: AskIndex, threshold: number): Promise<Found[]> {
    const customers = new Map<string, string>();
    const index: MatchIndex = {
      find: async (lookup) => {
        const question = { ...lookup, goldenId };
        return (await ask([question])).get(question) ?? { ids: [], crowded: [] };
      },
      records: async (ids) => {
        const rows = ids.length === 0 ? new Map<string, ComparedRow>() : await this.rows(ids);
        return ids.flatMap((id) => {
          const row = rows.get(id);
          if (!row) return [];
          customers.set(id, row.goldenId);
          return [row.compared];
        });
      },
    };
    const found = await findCandidates(record, index, builtInModel, { threshold });
    return oneOfEach(
      found.map((candidate) => ({ ...candidate, customerId: customers.get(candidate.record.id) as string })),
    );
  }

  /** Number and name of the customers that records belong to; those that are gone are left out. */
  async named(recordIds: readonly string[]): Promise<ReadonlyMap<string, Named>> {
    if (recordIds.length === 0) return new Map();
    const { rows } = await this.kernel.pool.query<Named>(
      `select m.record_id as "recordId", g.record_id as "customerId", g.number, g.said->>'name' as name
       from "${matchRecords.table}" m join "${matchRecords.table}" g on g.record_id = m.golden_id
       where m.record_id = any($1)`,
      [recordIds],
    );
    return new Map(rows.map((row) => [row.recordId, row]));
  }

  /** All active records, so many at a time. */
  async *pages(): AsyncGenerator<readonly Pick<MatchRow, 'goldenId' | 'compared'>[], void> {
    for (let after = firstId; ;) {
      const { rows } = await this.kernel.pool.query<Pick<MatchRow, 'goldenId' | 'compared'>>(
        `select golden_id as "goldenId", compared from "${matchRecords.table}"
         where active and record_id > $1 order by record_id limit ${pageSize}`,
        [after],
      );
      const last = rows.at(-1);
      if (!last) return;
      yield rows;
      after = last.compared.id;
    }
  }

  /** Waits until the view has come so far. @throws Refusal `too-busy` */
  async passed(position: number): Promise<void> {
    await this.#reached([position]);
  }
}

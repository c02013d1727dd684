import { Injectable } from '@nestjs/common';
import { Commands, Refusal } from '@throughline/event-sourcing';
import { itemId, type JobAtWork, type JobHandler, type JobStep } from '@throughline/service';
import { batch } from '../batch/batch.ts';
import type { Group } from '../customer/customer-group.ts';
import { GoldenCustomers } from '../customer/golden-customers.store.ts';
import { builtInModel } from '../matching/built-in-model.ts';
import { clustersOf } from '../matching/clusters.ts';
import { scoreOf } from '../matching/score.ts';
import { Merges } from '../merge/merges.store.ts';
import { duplicateRules, duplicateRulesId } from './duplicate-rules.ts';
import { duplicate, pairId } from './duplicate.ts';
import { Duplicates, type SurePair } from './duplicates.store.ts';
import { MatchRecords } from './match-records.store.ts';

type Counts = { merged: number; failed: number };

/** Merges what is sure, where that is switched on: as one batch, whose undo takes it apart again. */
@Injectable()
export class MergeDuplicates implements JobHandler {
  constructor(
    private readonly commands: Commands,
    private readonly customers: GoldenCustomers,
    private readonly merges: Merges,
    private readonly matches: MatchRecords,
    private readonly duplicates: Duplicates,
  ) {}

  async *run(job: JobAtWork<{ scan?: string }, Counts>): AsyncIterable<JobStep<Counts>> {
    // Merges by hand can be a batch as well: its work is done by whoever began it.
    if (job.params.scan === undefined) return;
    await this.duplicates.caughtUp();
    const { autoMerge } = (await this.commands.load(duplicateRules, duplicateRulesId)).state;
    const sure = autoMerge.enabled ? await this.duplicates.sure(autoMerge.weight) : [];
    const clusters = await this.#clusters(sure, autoMerge.weight);
    const counts = { ...(job.place ?? { merged: 0, failed: 0 }) };
    counts.merged += await this.#markJoined(job);
    for (const [index, cluster] of clusters.entries()) {
      counts[(await this.#merge(job, cluster, sure)) ? 'merged' : 'failed'] += 1;
      yield { place: { ...counts }, done: index + 1, total: clusters.length, counts: { ...counts } };
    }
    await this.commands.execute(batch, job.id, { type: 'FinishBatch', counts }, { commandId: itemId(job, 'finish') });
  }

  /**
   * Marks the pairs that are one by now: merged by somebody else, or by this job, which was killed before it could do so. An
   * open one would be merged again whoever takes it apart.
   *
   * @returns how many customers came together by this job
   */
  async #markJoined(job: JobAtWork): Promise<number> {
    const joined = await this.duplicates.joined();
    for (const { id, survivor } of joined) await this.#mark(job, id, survivor);
    let ours = 0;
    for (const survivor of new Set(joined.map((pair) => pair.survivor))) {
      const [top] = await this.customers.group(survivor);
      const isOurs = top.events.some(
        (event) => event.type === 'CustomersMerged' && event.data.mergeId === itemId(job, survivor),
      );
      if (isOurs) ours += 1;
    }
    return ours;
  }

  async #mark(job: JobAtWork, id: string, survivor: string): Promise<void> {
    const command = { type: 'MarkMerged', survivor } as const;
    await this.commands.execute(duplicate, id, command, { commandId: itemId(job, id) });
  }

  /** Customers that are one, as strong as their weakest link: a pair that somebody dismissed is never among them. */
  async #clusters(sure: readonly SurePair[], weight: number): Promise<string[][]> {
    const known = new Map(sure.map(({ id, score }) => [id, score]));
    const ids = [...new Set(sure.flatMap(({ a, b }) => [a, b]))];
    const rows = await this.matches.rows(ids);
    const apart = await this.duplicates.apart(ids);
    const weightOf = (a: string, b: string): number => {
      const pair = pairId(a, b);
      if (apart.has(pair)) return -Infinity;
      const [one, other] = [rows.get(a)?.compared, rows.get(b)?.compared];
      if (!one || !other) return -Infinity;
      return known.get(pair) ?? scoreOf(builtInModel, one, other).weight;
    };
    const pairs = sure.map(({ a, b, score }) => ({ a, b, weight: score }));
    return clustersOf(pairs, weightOf, { threshold: weight, floor: weight });
  }

  async #merge(job: JobAtWork, cluster: readonly string[], sure: readonly SurePair[]): Promise<boolean> {
    const groups = await this.customers.groups(cluster as [string, ...string[]]);
    const [survivor, ...absorbed] = groups.toSorted(byAge).map(([{ id }]) => id) as [string, ...string[]];
    const mergeId = itemId(job, survivor);
    const score = Math.min(
      ...sure.filter(({ a, b }) => cluster.includes(a) && cluster.includes(b)).map((one) => one.score),
    );
    try {
      const remembered = { target: survivor, commandId: mergeId };
      await this.merges.merge([survivor, ...absorbed], { mergeId, score }, { type: 'MergeCustomers' }, remembered);
    } catch (error) {
      // Archived, erased or merged by somebody meanwhile, or parent and child: the others go on.
      if (!(error instanceof Refusal) || error.code === 'too-busy') throw error;
      return false;
    }
    for (const { id } of sure.filter(({ a, b }) => cluster.includes(a) && cluster.includes(b))) {
      await this.#mark(job, id, survivor);
    }
    return true;
  }
}

/** The oldest stays; of two that came at once the one that knows more. */
function byAge([one]: Group, [other]: Group): number {
  const since = (one.events[0]?.position ?? 0) - (other.events[0]?.position ?? 0);
  return since || Object.keys(other.record.words).length - Object.keys(one.record.words).length;
}

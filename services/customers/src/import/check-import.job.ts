import { Injectable } from '@nestjs/common';
import { Commands } from '@throughline/event-sourcing';
import type { JobAtWork, JobHandler, JobStep } from '@throughline/service';
import { withDuplicates } from '../customer/golden-customers.store.ts';
import { isReserved } from '../duplicates/guarded-customers.store.ts';
import { CustomerKeys } from './customer-keys.view.ts';
import { ImportCompanies } from './import-companies.store.ts';
import { ImportDuplicates, isFound, rowsWith, type ComparedRows } from './import-duplicates.store.ts';
import { ImportFiles } from './import-files.store.ts';
import { ImportOutcomes } from './import-outcomes.store.ts';
import { ImportPlans } from './import-plan.store.ts';
import { ImportRows } from './import-rows.store.ts';
import { importing } from './import.ts';
import type { CheckedEnd, CheckedOutcome, PlannedRow } from './planned-row.ts';

const ends = { new: 0, update: 0, unchanged: 0, duplicate: 0, skipped: 0, error: 0 } satisfies Record<
  CheckedEnd,
  number
>;
/**
 * What the rows would come to. Beside it, `possibleDuplicate` counts those of which a duplicate rule found a customer that
 * they may be about, and `formulas` cells that would be taken as what they came to when the file was saved.
 */
const none = { read: 0, ...ends, possibleDuplicate: 0, formulas: 0 };
type Counts = typeof none;
type Place = {
  line: number;
  total: number;
  counts: Counts;
  kept: number;
  warned?: number;
  /** Line of the sample -> in how many rows its key stands, where that is more than one. */
  times?: Readonly<Record<string, number>>;
};

/** How many rows are shown with what is wrong with them. */
export const mostShown = 100;

/** Goes over a file as its import would, and changes nothing. */
@Injectable()
export class CheckImport implements JobHandler {
  constructor(
    private readonly commands: Commands,
    private readonly files: ImportFiles,
    private readonly keys: CustomerKeys,
    private readonly plans: ImportPlans,
    private readonly rows: ImportRows,
    private readonly outcomes: ImportOutcomes,
    private readonly duplicates: ImportDuplicates,
    private readonly companies: ImportCompanies,
  ) {}

  async *run(
    job: JobAtWork<{ importId: string; version: number; passesAs?: readonly string[] }, Place>,
    signal: AbortSignal,
  ): AsyncIterable<JobStep<Place>> {
    const { importId, version, passesAs } = job.params;
    const { state } = await this.commands.load(importing, importId, { version });
    let place = job.place ?? { line: 0, total: await this.plans.survey(job.id, state), counts: none, kept: 0 };
    yield step(place);
    await this.keys.caughtUp(signal);
    const sampled = new Set((await this.files.sample(state.file?.fileId ?? '')).map(({ line }) => line));
    const planning = { importId, jobId: job.id, round: 'check' as const };
    for await (const { rows: planned, line } of this.plans.plan(planning, state, place.line)) {
      const { states, decidedBy } = await this.outcomes.beside(planned, state);
      const asking = { passesAs, decidedBy, signal };
      const { rules: inForce, compared } = await this.duplicates.compare(job, planned, asking);
      const beside = { states, decidedBy: withDuplicates({ rules: decidedBy }, inForce).rules };
      const rows = await this.companies.check(planned, beside);
      const outcomes = await this.#inOrder(job, rows, await this.outcomes.ofEach(rows, beside, compared), compared);
      const shown = rowsWith(rows, outcomes, 'errors').slice(0, mostShown - place.kept);
      await this.rows.reject(job.id, shown);
      const warned = rowsWith(rows, outcomes, 'warnings').slice(0, mostShown - (place.warned ?? 0));
      await this.rows.warn(job.id, warned);
      const counts = { ...none, ...place.counts, read: place.counts.read + rows.length };
      for (const { end } of outcomes) counts[end] += 1;
      for (const { reading } of rows) counts.formulas += reading.formulas;
      counts.possibleDuplicate += rows.filter(({ line }, index) => isFound(compared.get(line), outcomes[index])).length;
      const kept = place.kept + shown.length;
      place = {
        ...place,
        line,
        counts,
        kept,
        warned: (place.warned ?? 0) + warned.length,
        times: withRepeats(place.times, outcomes, sampled),
      };
      yield step(place);
    }
    await this.rows.keepTimes(job.id, place.times ?? {});
    await this.rows.forgetKeys(job.id);
  }

  /** As the rows before leave it: they have what nobody else may have. */
  async #inOrder(
    job: Pick<JobAtWork, 'id'>,
    rows: readonly PlannedRow[],
    outcomes: readonly CheckedOutcome[],
    compared: ComparedRows,
  ): Promise<CheckedOutcome[]> {
    const claiming = rows.flatMap((row, index) => {
      const { claims: values = [] } = outcomes[index] as CheckedOutcome;
      return 'id' in row && values.length > 0 ? [{ line: row.line, id: row.id, values }] : [];
    });
    const late = await this.rows.claimed(job.id, claiming);
    return outcomes.map((outcome, index) => {
      const { line } = rows[index] as PlannedRow;
      const found = late.get(line);
      if (!found) return outcome;
      const { value, first } = found;
      const code = compared.has(line) && isReserved(value) ? 'duplicate-found-in-file' : 'value-taken-in-file';
      return { end: 'error', errors: [{ column: null, code, params: { first } }] };
    });
  }
}

/** Counts the rows that repeat the key of one that is shown. */
function withRepeats(
  before: Place['times'],
  outcomes: readonly CheckedOutcome[],
  sampled: ReadonlySet<number>,
): NonNullable<Place['times']> {
  const times: Record<string, number> = { ...before };
  for (const { code, params } of outcomes.flatMap(({ errors = [] }) => errors)) {
    const first = Number(params?.['first']);
    if (code === 'duplicate-in-file' && sampled.has(first)) times[first] = (times[first] ?? 1) + 1;
  }
  return times;
}

const step = (place: Place): JobStep<Place> => ({
  place,
  done: place.counts.read,
  total: place.total,
  counts: place.counts,
});

import { isDeepStrictEqual } from 'node:util';
import { Injectable } from '@nestjs/common';
import type { CustomerEvent } from '@throughline/contracts';
import {
  Commands,
  Elsewhere,
  Refusal,
  conflict,
  currentContext,
  replay,
  type DecideContext,
} from '@throughline/event-sourcing';
import type { BulkChange } from '../customer/customer-bulk.ts';
import { decideForGroup, stateOfGroup } from '../customer/customer-group.ts';
import { makesPerson } from '../customer/customer-links.ts';
import { customer, type CustomerCommand } from '../customer/customer.ts';
import type { CustomerRules } from '../customer/customer-rules.ts';
import type { Customer } from '../customer/customer-state.ts';
import { GoldenCustomers, withDuplicates } from '../customer/golden-customers.store.ts';
import { touchesCompared, type RulesAsked } from '../duplicates/duplicate-check.store.ts';
import { compares } from '../duplicates/duplicate-rules.ts';
import { GuardedCustomers } from '../duplicates/guarded-customers.store.ts';
import { Tags } from '../tag/tags.view.ts';

type Example = { recordId: string; number: string; fields: Record<string, { before: unknown; after: unknown }> };
type TagsShown = readonly string[] | null;
/** A customer as it is, and as it would be. */
type Previewed = { id: string; before: Customer; after: Customer };

const together = 500;
const mostExamples = 20;
/** What a preview looks at, so that it answers while somebody waits. */
export const mostPreviewed = 5_000;

/** What a bulk change would do to a selection, as things stand now. */
@Injectable()
export class BulkPreviews {
  constructor(
    private readonly commands: Commands,
    private readonly customers: GoldenCustomers,
    private readonly guarded: GuardedCustomers,
    private readonly tags: Tags,
  ) {}

  async preview(ids: readonly string[], change: BulkChange) {
    const looked = ids.slice(0, mostPreviewed);
    const inForce = await this.guarded.rules();
    const counts = { changes: 0, unchanged: 0, invalid: 0 };
    const codes: Record<string, number> = {};
    const examples: Example[] = [];
    const changed = new Set<string>();
    for (let start = 0; start < looked.length; start += together) {
      const seen = await this.#look(looked.slice(start, start + together), change, inForce);
      for (const one of await this.#withTaken(seen)) {
        if (one instanceof Refusal) {
          counts.invalid += 1;
          codes[one.code] = (codes[one.code] ?? 0) + 1;
          continue;
        }
        const fields = differences(one);
        // By the first record of a customer that is selected: the others find it so.
        const isChanged = Object.keys(fields).length > 0 && !changed.has(one.id);
        if (isChanged) changed.add(one.id);
        counts[isChanged ? 'changes' : 'unchanged'] += 1;
        if (isChanged && examples.length < mostExamples) {
          examples.push({ recordId: one.id, number: one.before.number, fields });
        }
      }
    }
    const shown = (await Promise.all(examples.map((example) => this.#withTags(example)))).filter(showsAny);
    return { matches: ids.length, previewed: looked.length, ...counts, codes, examples: shown };
  }

  /** Tags by the names that they have now; another name of one that was there is nothing that anybody sees. */
  async #withTags(example: Example): Promise<Example> {
    const { tags, ...others } = example.fields as Example['fields'] & { tags?: Record<'before' | 'after', TagsShown> };
    if (!tags) return example;
    const naming = await this.tags.naming([...(tags.before ?? []), ...(tags.after ?? [])]);
    const [before, after] = [tags.before && naming(tags.before), tags.after && naming(tags.after)];
    return { ...example, fields: isDeepStrictEqual(before, after) ? others : { ...others, tags: { before, after } } };
  }

  /** Record -> the refusal, of those that the duplicate rules hold up. */
  async heldUp(ids: readonly string[], change: BulkChange, inForce: RulesAsked): Promise<ReadonlyMap<string, Refusal>> {
    const held = new Map<string, Refusal>();
    if (!isHeldAgainst(change, inForce)) return held;
    for (let start = 0; start < ids.length; start += together) {
      const some = ids.slice(start, start + together);
      for (const [index, one] of (await this.#look(some, change, inForce)).entries()) {
        if (one instanceof Refusal && one.code === 'duplicate-found') held.set(some[index] as string, one);
      }
    }
    return held;
  }

  async #look(ids: readonly string[], change: BulkChange, inForce: RulesAsked): Promise<(Previewed | Refusal)[]> {
    const command: CustomerCommand = { type: 'ChangeInBulk', change };
    const { rules } = withDuplicates(await this.customers.rulesFor('', command), inForce);
    const context = { now: new Date().toISOString(), entry: currentContext().entry, rules };
    const loaded = await this.commands.loadMany(customer, ids);
    const seen: (Previewed | Refusal)[] = [];
    for (const id of ids) {
      try {
        const before = loaded.get(id)?.state ?? customer.initial;
        seen.push(await this.#decided(id, before, command, context));
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        seen.push(error);
      }
    }
    return isHeldAgainst(change, inForce) ? this.#withDuplicates(seen, inForce) : seen;
  }

  async #decided(
    id: string,
    before: Customer,
    command: CustomerCommand,
    context: DecideContext<CustomerRules>,
  ): Promise<Previewed> {
    try {
      customer.guard?.(before, command);
      return { id, before, after: customer.decide(before, command, context).reduce(customer.evolve, before) };
    } catch (error) {
      if (!(error instanceof Elsewhere)) throw error;
    }
    const group = await this.customers.group(id);
    const [top] = group;
    const golden = stateOfGroup(group);
    const rules = makesPerson(command) ? await this.customers.withKindErrors(id, context.rules) : context.rules;
    const events: readonly CustomerEvent[] = decideForGroup(group, command, { ...context, rules }).get(top.id) ?? [];
    return { id: top.id, before: golden, after: replay({ ...customer, initial: golden }, events) };
  }

  /** So are those that may be somebody else. */
  async #withDuplicates(seen: readonly (Previewed | Refusal)[], inForce: RulesAsked): Promise<(Previewed | Refusal)[]> {
    const intended = seen.map((one) => {
      if (one instanceof Refusal || !touchesCompared(differences(one))) return undefined;
      return { operation: 'change' as const, id: one.id, goldenId: one.id, fields: one.after.details };
    });
    const guarded = await this.guarded.compareEach(intended, inForce);
    return seen.map((one, index) => {
      const verdict = guarded[index]?.verdict;
      return verdict instanceof Refusal ? verdict : one;
    });
  }

  /** Values that somebody else holds are refused as well. */
  async #withTaken(seen: readonly (Previewed | Refusal)[]): Promise<(Previewed | Refusal)[]> {
    const wanted = seen.map((one) => (one instanceof Refusal ? [] : newClaims(one)));
    const claims = wanted.flat();
    const holders = claims.length > 0 ? await this.commands.holdersOf(customer.category, claims) : new Map();
    return seen.map((one, index) => {
      const taken = wanted[index]?.find((claim) => holders.has(claim) && holders.get(claim) !== (one as Previewed).id);
      return taken === undefined ? one : conflict(`${taken.split(':', 1)[0]}-taken`);
    });
  }
}

/** Whether a rule looks at what the change may touch. */
const isHeldAgainst = ({ set, add, remove, clear = [] }: BulkChange, { all }: RulesAsked): boolean =>
  compares(all) && touchesCompared({ ...set, ...add, ...remove, ...Object.fromEntries(clear.map((name) => [name])) });

function newClaims({ before, after }: Previewed): string[] {
  if (before === after) return [];
  const held = new Set(customer.claims?.(before));
  return (customer.claims?.(after) ?? []).filter((claim) => !held.has(claim));
}

const showsAny = ({ fields }: Example): boolean => Object.keys(fields).length > 0;

function differences({ before, after }: Previewed): Example['fields'] {
  if (before === after) return {};
  const [was, is] = [shownOf(before), shownOf(after)];
  const names = [...new Set([...Object.keys(was), ...Object.keys(is)])];
  return Object.fromEntries(
    names.flatMap((name) =>
      isDeepStrictEqual(was[name], is[name])
        ? []
        : [[name, { before: was[name] ?? null, after: is[name] ?? null }] as const],
    ),
  );
}

/** Without the rules that values follow from: they are no field. */
function shownOf(state: Customer): Readonly<Record<string, unknown>> {
  const { inferred: _, ...fields } = customer.fields?.(state) ?? {};
  return fields;
}

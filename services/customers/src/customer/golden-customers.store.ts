import { Injectable } from '@nestjs/common';
import { stageOf, type CustomerEvent, type Instant, type Recorded, type RecordedOf } from '@throughline/contracts';
import {
  Commands,
  Elsewhere,
  Refusal,
  VersionConflict,
  checkConflicts,
  conflict,
  currentContext,
  notFound,
  type DecideContext,
  type Executed,
} from '@throughline/event-sourcing';
import { AtQuery, HistoryQuery, historyItem, historyPageOf, type RecordAnswer } from '@throughline/service';
import {
  decideForGroup,
  goldenOfGroup,
  groupOf,
  partOf,
  shownGroup,
  withTags,
  type Decided,
  type Group,
  type Part,
} from './customer-group.ts';
import { CurrentRules, type StampedRules } from './customer-rules.store.ts';
import {
  deepest,
  hasLinks,
  isNaming,
  kindErrors,
  kindOf,
  linkErrors,
  linksOf,
  makesPerson,
  movesInHierarchy,
  parentErrors,
  parentOf,
  type Above,
} from './customer-links.ts';
import type { CustomerInput } from './customer-fields.ts';
import { CustomerLinks } from '../links/customer-links.view.ts';
import { Tags } from '../tag/tags.view.ts';
import { customer, OneOfSeveral, type CustomerCommand } from './customer.ts';
import { builtInRules, type CustomerRules } from './customer-rules.ts';
import { isOneOfSeveral, type Customer } from './customer-state.ts';

type At = { asOf?: Instant; knownAt?: Instant };
type Histories = readonly (readonly RecordedOf<CustomerEvent>[])[];

/** What decides over duplicates, and which version of it is stamped into the envelope. */
export type RulesInForce = Pick<StampedRules, 'rulesVersion'> & { rules: Pick<CustomerRules, 'reserves'> };

export type Ids = readonly [string, ...string[]];
export type Remembered = { target: string; body?: unknown; commandId?: string; occurredAt?: Instant };

type Choice<Answer> = {
  ids: readonly string[];
  decide: (
    parts: ReadonlyMap<string, Part>,
    context: DecideContext<CustomerRules>,
  ) => { decided: Decided; answer: Answer };
};

const attempts = 20;
/** Customers that are looked at together. */
const together = 100;
const nobody = '00000000-0000-0000-0000-000000000000';

/** Undefined where it is refused: whoever carries the command out asks again, unless it is a repeat. */
export async function unlessRefused<T>(choose: () => Promise<T>): Promise<T | undefined> {
  try {
    return await choose();
  } catch (error) {
    if (error instanceof Refusal) return undefined;
    throw error;
  }
}

/** The records of a group changed while it was decided over it: it is asked for again. */
export class GroupChanged extends Error {}

/** Customers, whichever of their records is named: one of several answers as the one that they were merged into. */
@Injectable()
export class GoldenCustomers {
  constructor(
    private readonly commands: Commands,
    private readonly current: CurrentRules,
    private readonly tags: Tags,
    private readonly links: CustomerLinks,
  ) {}

  /** @throws Refusal `customer-not-found` where it did not exist then */
  async read(id: string, at: AtQuery = {}): Promise<RecordAnswer> {
    const answer = await this.#withTags(answerOf(await this.group(id, at)));
    if (at.asOf === undefined && at.knownAt === undefined) return answer;
    // What was before the erasure says nothing of it as long as the key is there.
    const { state } = await this.commands.load(customer, id);
    return state.status === 'erased' ? { ...answer, fields: { ...answer.fields, erased: true } } : answer;
  }

  /** With its tags by the names that they have now. */
  async #withTags<A extends { fields: Readonly<Record<string, unknown>> }>(answer: A): Promise<A> {
    const { tags } = answer.fields as { tags?: string[] };
    if (!tags) return answer;
    return { ...answer, fields: { ...answer.fields, tags: (await this.tags.naming(tags))(tags) } };
  }

  /** Customers with their tags by the names that they have now, to be shown beside each other. */
  async tagged(groups: readonly Group[]): Promise<Group[]> {
    const tags = groups.flat().flatMap(({ record }) => (record.words.tags?.value ?? []) as string[]);
    const naming = await this.tags.naming(tags);
    return groups.map((group) => withTags(group, naming));
  }

  /**
   * The fields as they were at the versions of an ETag, tags by the names that they have now; undefined where the customer never
   * had those versions.
   */
  async fieldsAt(id: string, versions: readonly number[]): Promise<Readonly<Record<string, unknown>> | undefined> {
    const seen = groupAt(await this.group(id), id, versions);
    return seen && (await this.#withTags({ fields: shownGroup(seen) })).fields;
  }

  /**
   * What a command would bring about, without doing it.
   *
   * @param given what it would be decided by, besides the customers that it names
   * @throws Refusal as `execute` does
   */
  async decided(id: string, command: CustomerCommand, given: CustomerRules): Promise<readonly CustomerEvent[]> {
    const group = checked(await this.group(id), id, command);
    const { rules } = await this.rulesFor(id, command);
    const linkErrors = [...(rules.linkErrors ?? []), ...(await this.#parentErrors(group, command, rules))];
    const decidedBy = { ...given, linkErrors, kindErrors: rules.kindErrors };
    const context = { now: new Date().toISOString(), entry: currentContext().entry, rules: decidedBy };
    return [...decideForGroup(group, command, context).values()].flat();
  }

  async #parentErrors(group: Group, command: CustomerCommand, { linkErrors = [] }: CustomerRules) {
    const { parentId } = linksOf(command);
    const isRefused = !movesInHierarchy(command) || linkErrors.some(({ path }) => path === 'parentId');
    if (isRefused || parentId === undefined) return [];
    return parentErrors(group, parentId, await this.above(parentId)) ?? [];
  }

  /** What happened to a customer's records, in the order in which it was recorded. */
  async history(id: string, query: HistoryQuery) {
    const group = await this.group(id);
    const events = group.flatMap((part) => part.events).toSorted((a, b) => a.position - b.position);
    return historyPageOf(events, query, (event) =>
      group.length === 1 ? historyItem(event) : { ...historyItem(event), recordId: event.stream.id },
    );
  }

  /** @throws Refusal of the decider, `changed-meanwhile`, `too-busy` */
  async execute(
    id: string,
    command: CustomerCommand,
    body?: unknown,
    inForce?: RulesInForce,
  ): Promise<Executed<Customer, CustomerEvent> | RecordAnswer> {
    const rules = withDuplicates(await this.rulesFor(id, command), inForce);
    if (movesInHierarchy(command)) return this.#executeForGroup(id, command, rules, { target: id, body });
    try {
      const executed = await this.commands.execute(customer, id, command, {
        ...rules,
        body,
        anyVersion: command.type === 'EraseCustomer',
      });
      return await this.#answer(executed);
    } catch (error) {
      if (!(error instanceof OneOfSeveral)) throw error;
    }
    return this.#executeForGroup(id, command, rules, { target: id, body });
  }

  /** As `Commands.executeChosen`: `choose` names a record and what is to be done with its customer, by the fields given. */
  async executeChosen(
    choose: () => Promise<{ id: string; command: CustomerCommand }>,
    fields: CustomerInput,
    body: object,
    named: Pick<Remembered, 'commandId'> = {},
    inForce?: RulesInForce,
  ): Promise<Executed<Customer, CustomerEvent> | RecordAnswer> {
    const given = { type: 'ChangeCustomer', changes: fields } as const;
    const first = hasLinks(linksOf(given)) ? await unlessRefused(choose) : undefined;
    const rules = withDuplicates(await this.rulesFor(first?.id ?? '', given), inForce);
    const remembered = { target: '', body, ...named };
    if (first && movesInHierarchy(first.command)) {
      return this.#executeForGroup(first.id, first.command, rules, remembered);
    }
    try {
      return await this.#answer(await this.commands.executeChosen(customer, choose, { ...rules, body, ...named }));
    } catch (error) {
      if (!(error instanceof Elsewhere)) throw error;
    }
    const { id, command } = await choose();
    return this.#executeForGroup(id, command, withDuplicates(await this.rulesFor(id, command), inForce), remembered);
  }

  /** With what only all events of the customer say. */
  async #answer(
    executed: Executed<Customer, CustomerEvent>,
  ): Promise<Executed<Customer, CustomerEvent> | RecordAnswer> {
    const { id, state, fields } = executed;
    if (isOneOfSeveral(state)) return this.read(id);
    const stage = state.details.lifecycle === undefined ? {} : stageOf(goldenOfGroup(await this.group(id)));
    return this.#withTags({ ...executed, fields: { ...fields, ...stage } });
  }

  /**
   * What a command on a customer is decided by, besides the customer.
   *
   * @param id empty where it is not known yet
   */
  async rulesFor(id: string, command: CustomerCommand): Promise<StampedRules> {
    const stamped = await this.current.read();
    const links = linksOf(command);
    const isLookedAt = id !== '' && makesPerson(command);
    if (!hasLinks(links) && !isLookedAt) return stamped;
    const found = new Map(
      await Promise.all(Object.values(links).map(async (named) => [named, await this.find(named)] as const)),
    );
    const rules = { ...stamped.rules, linkErrors: linkErrors(id, links, found) };
    return { ...stamped, rules: isLookedAt ? await this.withKindErrors(id, rules) : rules };
  }

  /** With why a record's customer cannot become a person. */
  async withKindErrors(id: string, rules: CustomerRules): Promise<CustomerRules> {
    const group = await this.find(id);
    return { ...rules, kindErrors: group ? kindErrors(group, await this.namedBy(group)) : [] };
  }

  /**
   * One customer that works for a company and one that belongs to it, where there are any; nobody for what is a person already.
   *
   * @param besides records whose customers are not asked for
   */
  async namedBy(company: Group, besides: ReadonlySet<string> = new Set()): Promise<Group[]> {
    if (kindOf(company) === 'person') return [];
    await this.links.upToNow();
    const fields = ['employerId', 'parentId'] as const;
    return (await Promise.all(fields.map((field) => this.#naming(field, company, besides)))).flatMap((one) =>
      one ? [one] : [],
    );
  }

  async #naming(
    field: 'employerId' | 'parentId',
    company: Group,
    besides: ReadonlySet<string>,
  ): Promise<Group | undefined> {
    const ids = company.map((part) => part.id);
    for (let after = nobody; ;) {
      const [first, ...others] = await this.links.naming(field, ids, after, together);
      if (first === undefined) return undefined;
      const groups = await this.groups([first, ...others]);
      const isOther = (group: Group) => !group.some(({ id }) => besides.has(id));
      const found = groups.find((group) => isOther(group) && isNaming(group, field, company));
      if (found) return found;
      after = others.at(-1) ?? first;
    }
  }

  async #executeForGroup(
    id: string,
    command: CustomerCommand,
    stamped: StampedRules,
    remembered: Remembered,
  ): Promise<RecordAnswer> {
    const { rules } = stamped;
    const { parentId } = linksOf(command);
    // All companies above stand still while it is decided: two changes at once cannot close a ring.
    let above: Above = { above: [] };
    const ids = async (): Promise<Ids> => {
      above = movesInHierarchy(command) && parentId !== undefined ? await this.above(parentId) : above;
      return [id, ...above.above.map(([top]) => top.id)];
    };
    const decided = ([group, ...others]: [Group, ...Group[]], context: DecideContext<CustomerRules>) => {
      const isRefused = !movesInHierarchy(command) || rules.linkErrors?.some(({ path }) => path === 'parentId');
      const errors =
        isRefused || parentId === undefined ? [] : parentErrors(group, parentId, { ...above, above: others });
      if (!errors) throw new GroupChanged();
      const linkErrors = [...(rules.linkErrors ?? []), ...errors];
      return decideForGroup(checked(group, id, command), command, { ...context, rules: { ...rules, linkErrors } });
    };
    return this.decide(ids, command, decided, remembered, stamped);
  }

  /** A company and those that it belongs to, nearest first, each once. */
  async above(id: string | undefined): Promise<Above> {
    const above: Group[] = [];
    for (let next = id; next !== undefined && above.length <= deepest;) {
      const named: string = next;
      const group = await this.find(named);
      if (!group) return { above, lost: [named] };
      if (above.some(([top]) => top.id === group[0].id)) break;
      above.push(group);
      next = parentOf(group);
    }
    return { above };
  }

  /** As `group`; undefined where there is no such record. */
  async find(id: string, at: AtQuery = {}): Promise<Group | undefined> {
    try {
      return await this.group(id, at);
    } catch (error) {
      if (error instanceof Refusal && error.kind === 'not-found') return undefined;
      throw error;
    }
  }

  /**
   * One decision over whole groups, in one append.
   *
   * @param ids a record of each group; asked for again where a group changed meanwhile
   * @param remembered what the caller named and sent: a repeat is told by it
   * @returns the first group as it is afterwards
   */
  async decide(
    ids: Ids | (() => Promise<Ids>),
    command: { type: string },
    decide: (groups: [Group, ...Group[]], context: DecideContext<CustomerRules>) => Decided,
    remembered?: Remembered,
    stamped: StampedRules = { rules: builtInRules },
  ): Promise<RecordAnswer> {
    for (let tries = 1; ; tries += 1) {
      try {
        const named = typeof ids === 'function' ? await ids() : ids;
        return await this.#decideOnce(named, command, decide, remembered ?? { target: named.join(',') }, stamped);
      } catch (error) {
        if (!(error instanceof GroupChanged)) throw error;
        if (tries === attempts) throw conflict('too-busy');
      }
    }
  }

  /**
   * One decision over whatever `choose` names, in one append; it is asked again where somebody else was quicker.
   *
   * @param choose its `decide` gets the named records that there are, with all that belong to the same customers
   * @returns the first answer, also to a repeat, which is told by `body`
   */
  async decideChosen<Answer>(
    choose: () => Promise<Choice<Answer>>,
    body: object,
    inForce?: RulesInForce,
  ): Promise<Answer> {
    const { entry } = currentContext();
    const stamped = withDuplicates(await this.current.read(), inForce);
    const chooseStreams = async () => {
      const { ids, decide } = await choose();
      const streams = await this.#withGroups(ids);
      return {
        ids: streams,
        decide: (_: unknown, histories: readonly unknown[]) => {
          const parts = partsOf(streams, histories as Histories);
          if ([...parts.values()].some(({ state }) => !relativesOf(state).every((id) => parts.has(id)))) {
            throw new VersionConflict();
          }
          const context = { now: new Date().toISOString(), entry, rules: stamped.rules };
          const { decided, answer } = decide(parts, context);
          return { events: streams.map((stream) => decided.get(stream) ?? []), answer };
        },
      };
    };
    const { answer } = await this.commands.executeChosenAcross(customer, chooseStreams, { ...stamped, body });
    return answer;
  }

  /** Record -> the one that answers for it, of those that belong to a merged customer. */
  async goldenIds(ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const found = await this.commands.loadMany(customer, ids);
    return new Map(
      [...found].flatMap(([id, { state }]) => (isOneOfSeveral(state) ? [[id, state.goldenId ?? id] as const] : [])),
    );
  }

  async #withGroups(ids: readonly string[]): Promise<string[]> {
    const groups = await this.groups([...(await this.goldenIds(ids)).values()]);
    return [...new Set([...ids, ...groups.flat().map(({ id }) => id)])];
  }

  async #decideOnce(
    ids: Ids,
    command: { type: string },
    decide: (groups: [Group, ...Group[]], context: DecideContext<CustomerRules>) => Decided,
    remembered: Remembered,
    stamped: StampedRules,
  ): Promise<RecordAnswer> {
    const groups = await this.groups(ids);
    const streams = [...new Set(groups.flat().map((part) => part.id))];
    const { entry } = currentContext();
    await this.commands.executeAcross(
      customer,
      streams,
      command,
      (_, histories) => {
        const parts = partsOf(streams, histories as Histories);
        const now = groups.map(([top]) => groupOf(parts.get(top.id) as Part, parts));
        if (now.flat().length !== streams.length || now.some(isIncomplete)) throw new GroupChanged();
        const context = { now: new Date().toISOString(), entry, rules: stamped.rules };
        const decided = decide(now as unknown as [Group, ...Group[]], context);
        return streams.map((stream) => decided.get(stream) ?? []);
      },
      { ...stamped, ...remembered },
    );
    return this.read(groups[0][0].id);
  }

  /** All records of the customer that a record belongs to, now or at a moment of the past. */
  async group(id: string, at: AtQuery = {}): Promise<Group> {
    const [group] = await this.groups([id], at);
    return group;
  }

  /** As `group`, of several records: each customer once. All that stands at the same depth is asked for at once. */
  async groups(ids: Ids, at?: AtQuery): Promise<[Group, ...Group[]]>;
  async groups(ids: readonly string[], at?: AtQuery): Promise<Group[]>;
  async groups(ids: readonly string[], at: AtQuery = {}): Promise<Group[]> {
    const when = instantsOf(at);
    const parts = new Map<string, Part>();
    const add = async (wanted: readonly string[]): Promise<readonly Part[]> => {
      const missing = [...new Set(wanted)].filter((id) => !parts.has(id));
      const loaded = await this.#parts(missing, when);
      for (const part of loaded) parts.set(part.id, part);
      return wanted.map((id) => parts.get(id) as Part);
    };
    const named = await add(ids);
    const tops = await add(named.map(({ id, state }) => state.goldenId ?? id));
    for (let level = tops; level.length > 0;) level = await add(level.flatMap(({ state }) => state.members));
    return [...new Set(tops)].map((top) => groupOf(top, parts));
  }

  async #parts(ids: readonly string[], at: At): Promise<Part[]> {
    const loaded = await this.commands.loadMany(customer, ids, at);
    return [...loaded].map(([id, { events }]) => existing(id, events));
  }
}

function existing(id: string, events: readonly Recorded[]): Part {
  const part = partOf(id, events as readonly RecordedOf<CustomerEvent>[]);
  if (!part) throw notFound('customer-not-found');
  return part;
}

/** With what the duplicate rules have customers reserve. */
export const withDuplicates = (stamped: StampedRules, inForce?: RulesInForce): StampedRules => {
  if (!inForce) return stamped;
  const rulesVersion = [stamped.rulesVersion, inForce.rulesVersion].filter(Boolean).join(' ');
  const rules = { ...stamped.rules, reserves: inForce.rules.reserves };
  return { rules, ...(rulesVersion && { rulesVersion }) };
};

const relativesOf = ({ goldenId, members }: Customer): string[] => [
  ...members,
  ...(goldenId === undefined ? [] : [goldenId]),
];

const instantsOf = ({ asOf, knownAt }: AtQuery): At => {
  const utc = (text: string) => new Date(text).toISOString();
  return {
    ...(asOf !== undefined && { asOf: utc(asOf) }),
    ...(knownAt !== undefined && { knownAt: utc(knownAt) }),
  };
};

const partsOf = (ids: readonly string[], histories: Histories): Map<string, Part> =>
  new Map(
    ids.flatMap((id, index) => {
      const part = partOf(id, histories[index] ?? []);
      return part ? [[id, part]] : [];
    }),
  );

/** Somebody was merged with it, or taken out, or it was merged into another, since it was looked for. */
const isIncomplete = (group: Group): boolean => {
  const there = new Set(group.map(({ id }) => id));
  return group[0].state.into !== undefined || group.some(({ state }) => state.members.some((id) => !there.has(id)));
};

const versionsOf = (group: Group): number[] => group.map(({ events }) => events.at(-1)?.stream.version ?? 0);

const answerOf = (group: Group): RecordAnswer => {
  const versions = versionsOf(group);
  const [top] = group;
  return {
    id: top.id,
    version: versions[0] ?? 0,
    position: Math.max(...group.map(({ events }) => events.at(-1)?.position ?? 0)),
    fields: shownGroup(group),
    ...(group.length > 1 && { versions }),
  };
};

/**
 * @param id the record that the caller named
 * @throws Refusal `changed-meanwhile` where the same fields changed since the versions that the caller saw
 */
function checked(group: Group, id: string, command: CustomerCommand): Group {
  const { ifMatch } = currentContext();
  if (command.type === 'EraseCustomer' || isAsSeen(group, ifMatch)) return group;
  const seen = command.type === 'ChangeCustomer' && ifMatch ? groupAt(group, id, ifMatch) : undefined;
  if (!seen || command.type !== 'ChangeCustomer') return checkedWhole(group);
  checkConflicts(command.changes, shownGroup(seen), shownGroup(group));
  return group;
}

/** @throws Refusal `record-changed` where the customer is not at the versions that the caller saw */
export function checkedWhole(group: Group): Group {
  if (isAsSeen(group, currentContext().ifMatch)) return group;
  throw new Refusal('precondition', 'record-changed', { conflicts: [] });
}

const isAsSeen = (group: Group, ifMatch: readonly number[] | undefined): boolean =>
  ifMatch === undefined || ifMatch.join() === versionsOf(group).join();

/** What a record stood for at the versions of an ETag, before it was merged into another one or after; undefined where they fit neither. */
const groupAt = (group: Group, id: string, versions: readonly number[]): Group | undefined =>
  groupBelow(group, id, versions) ?? groupBelow(group, group[0].id, versions);

function groupBelow([top, ...others]: Group, id: string, versions: readonly number[]): Group | undefined {
  const parts = new Map([top, ...others].map((part) => [part.id, part]));
  const rest = [...versions];
  const take = (id: string): Part[] | undefined => {
    const version = rest.shift();
    const events = parts.get(id)?.events ?? [];
    if (version === undefined || version < 1 || version > events.length) return undefined;
    const part = partOf(id, events.slice(0, version));
    const below = part?.state.members.map(take);
    if (!part || !below || below.some((one) => one === undefined)) return undefined;
    return [part, ...(below as Part[][]).flat()];
  };
  const found = take(id);
  return found && rest.length === 0 ? (found as unknown as Group) : undefined;
}

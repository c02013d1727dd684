import { Injectable } from '@nestjs/common';
import { type CustomerEvent, type Instant, type RecordedOf } from '@throughline/contracts';
import {
  Commands,
  Refusal,
  checkConflicts,
  conflict,
  currentContext,
  notFound,
  type DecideContext,
  type Executed,
} from '@throughline/event-sourcing';
import { AtQuery, HistoryQuery, historyItem, historyPageOf, type RecordAnswer } from '@throughline/service';
import { decideForGroup, groupOf, partOf, shownGroup, type Decided, type Group, type Part } from './customer-group.ts';
import {
  OneOfSeveral,
  builtInRules,
  customer,
  type Customer,
  type CustomerCommand,
  type CustomerRules,
} from './customer.ts';

type At = { asOf?: Instant; knownAt?: Instant };
type Histories = readonly (readonly RecordedOf<CustomerEvent>[])[];

type Remembered = { target: string; body?: unknown; commandId?: string };

const attempts = 20;

/** The records of a group changed while it was decided over it: it is asked for again. */
class GroupChanged extends Error {}

/** Customers, whichever of their records is named: one of several answers as the one that they were merged into. */
@Injectable()
export class GoldenCustomers {
  constructor(private readonly commands: Commands) {}

  /** @throws Refusal `customer-not-found` where it did not exist then */
  async read(id: string, at: AtQuery = {}): Promise<RecordAnswer> {
    return answerOf(await this.group(id, at));
  }

  /** The fields as they were at the versions of an ETag; undefined where the customer never had those. */
  async fieldsAt(id: string, versions: readonly number[]): Promise<Readonly<Record<string, unknown>> | undefined> {
    const seen = groupAt(await this.group(id), versions);
    return seen && shownGroup(seen);
  }

  /** What a command would bring about, without doing it. @throws Refusal as `execute` does */
  async decided(id: string, command: CustomerCommand): Promise<readonly CustomerEvent[]> {
    const group = checked(await this.group(id), command);
    const context = { now: new Date().toISOString(), entry: currentContext().entry, rules: builtInRules };
    return [...decideForGroup(group, command, context).values()].flat();
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
  ): Promise<Executed<Customer, CustomerEvent> | RecordAnswer> {
    try {
      const executed = await this.commands.execute(customer, id, command, {
        rules: builtInRules,
        body,
        anyVersion: command.type === 'EraseCustomer',
      });
      return isOneOfSeveral(executed.state) ? await this.read(id) : executed;
    } catch (error) {
      if (!(error instanceof OneOfSeveral)) throw error;
    }
    return this.#executeForGroup(id, command, { target: id, body });
  }

  /** As `Commands.executeChosen`: `choose` names a record and what is to be done with its customer. */
  async executeChosen(
    choose: () => Promise<{ id: string; command: CustomerCommand }>,
    body: object,
  ): Promise<Executed<Customer, CustomerEvent> | RecordAnswer> {
    try {
      const executed = await this.commands.executeChosen(customer, choose, { rules: builtInRules, body });
      return isOneOfSeveral(executed.state) ? await this.read(executed.id) : executed;
    } catch (error) {
      if (!(error instanceof OneOfSeveral)) throw error;
    }
    const { id, command } = await choose();
    return this.#executeForGroup(id, command, { target: '', body });
  }

  #executeForGroup(id: string, command: CustomerCommand, remembered: Remembered): Promise<RecordAnswer> {
    return this.decide(
      [id],
      command,
      ([group], context) => decideForGroup(checked(group, command), command, context),
      remembered,
    );
  }

  /**
   * One decision over whole groups, in one append.
   *
   * @param ids a record of each group
   * @param remembered what the caller named and sent: a repeat is told by it
   * @returns the first group as it is afterwards
   */
  async decide(
    ids: readonly [string, ...string[]],
    command: { type: string },
    decide: (groups: [Group, ...Group[]], context: DecideContext<CustomerRules>) => Decided,
    remembered: Remembered = { target: ids.join(',') },
  ): Promise<RecordAnswer> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.#decideOnce(ids, command, decide, remembered);
      } catch (error) {
        if (!(error instanceof GroupChanged)) throw error;
        if (tries === attempts) throw conflict('too-busy');
      }
    }
  }

  async #decideOnce(
    ids: readonly [string, ...string[]],
    command: { type: string },
    decide: (groups: [Group, ...Group[]], context: DecideContext<CustomerRules>) => Decided,
    remembered: Remembered,
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
        const context = { now: new Date().toISOString(), entry, rules: builtInRules };
        const decided = decide(now as unknown as [Group, ...Group[]], context);
        return streams.map((stream) => decided.get(stream) ?? []);
      },
      { rules: builtInRules, ...remembered },
    );
    return this.read(groups[0][0].id);
  }

  /** The groups that records belong to, each once. */
  async groups(ids: readonly [string, ...string[]]): Promise<[Group, ...Group[]]> {
    const groups = new Map<string, Group>();
    for (const id of ids) {
      const group = await this.group(id);
      groups.set(group[0].id, group);
    }
    return [...groups.values()] as [Group, ...Group[]];
  }

  /** All records of the customer that a record belongs to, now or at a moment of the past. */
  async group(id: string, at: AtQuery = {}): Promise<Group> {
    const when = instantsOf(at);
    const named = await this.#part(id, when);
    const { goldenId } = named.state;
    const top = goldenId === undefined ? named : await this.#part(goldenId, when);
    const parts = new Map([[top.id, top]]);
    for (let next = [...top.state.members]; next.length > 0;) {
      const loaded = await Promise.all(next.map((member) => this.#part(member, when)));
      for (const part of loaded) parts.set(part.id, part);
      next = loaded.flatMap(({ state }) => state.members);
    }
    return groupOf(top, parts);
  }

  async #part(id: string, at: At): Promise<Part> {
    const { events } = await this.commands.load(customer, id, at);
    const part = partOf(id, events as readonly RecordedOf<CustomerEvent>[]);
    if (!part) throw notFound('customer-not-found');
    return part;
  }
}

const isOneOfSeveral = ({ into, members }: Customer): boolean => into !== undefined || members.length > 0;

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

/** @throws Refusal `changed-meanwhile` where the same fields changed since the versions that the caller saw */
function checked(group: Group, command: CustomerCommand): Group {
  const { ifMatch } = currentContext();
  if (ifMatch === undefined || ifMatch.join() === versionsOf(group).join()) return group;
  if (command.type === 'EraseCustomer') return group;
  const seen = command.type === 'ChangeCustomer' ? groupAt(group, ifMatch) : undefined;
  if (!seen || command.type !== 'ChangeCustomer') {
    throw new Refusal('precondition', 'record-changed', { conflicts: [] });
  }
  checkConflicts(command.changes, shownGroup(seen), shownGroup(group));
  return group;
}

/** The group as it was at the versions of an ETag; undefined where they do not fit it. */
function groupAt([top, ...others]: Group, versions: readonly number[]): Group | undefined {
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
  const found = take(top.id);
  return found && rest.length === 0 ? (found as unknown as Group) : undefined;
}

import {
  customerFieldNames,
  type CustomerEvent,
  type CustomerField,
  type CustomerFields,
  type Inferred,
  type Restored,
} from './customers.ts';
import { known, type Instant, type RecordedOf } from './event.ts';
import {
  entered,
  isListField,
  survivorshipOf,
  type ChosenField,
  type ListField,
  type Survivorship,
  type SurvivorshipRules,
} from './survivorship.ts';

/**
 * What a record says in one field since when; null = it was cleared. `inferred` names the rule where nobody said it: then it
 * holds only where no record of the customer has a word that somebody said. `automatic`: it followed from what the customer did.
 * `own`: of `custom`, what each of the installation's own fields says, since each is a field of its own.
 */
export type Word = {
  value: unknown;
  position: number;
  at: Instant;
  inferred?: string;
  automatic?: true;
  own?: Readonly<Record<string, Pick<Word, 'value' | 'position' | 'at'>>>;
};
export type Words = { readonly [F in CustomerField]?: Word };
/** A record that was merged into this one, the place of the merge, and the rules that it was merged by. */
export type Member = { recordId: string; position: number; rules: SurvivorshipRules };
/**
 * A value that somebody chose by hand as a merge was made: that of the customer that `recordId` was, or in its own case what it and
 * those merged into it before showed, until the survivor's own is changed.
 */
type Picked = { recordId: string; position: number };

/** One source's record with all that merging needs to know of it; folded from its stream by `recordAfter`. */
export type CustomerRecord = {
  recordId: string;
  number: string;
  words: Words;
  externalIds: readonly { connectionId: string; id: string }[];
  /** What it was merged into; null where it stands for itself. */
  into: string | null;
  /** The record at the top of its group; its own id where it stands for itself. */
  goldenId: string;
  /** Those merged into it, which may have members themselves. */
  members: readonly Member[];
  /** By field, own ones as `custom.<key>`; the last one counts, or the one before where nothing is left of it. */
  picks: Readonly<Record<string, readonly Picked[]>>;
  status: 'active' | 'archived' | 'erased';
  createdAt: Instant;
  updatedAt: Instant;
};

/** The record after an event of its stream. */
export function recordAfter(
  before: CustomerRecord | undefined,
  event: RecordedOf<CustomerEvent>,
): CustomerRecord | undefined {
  const { stream, effectiveAt, position } = event;
  if (event.type === 'CustomerCreated') {
    const externalId = known(event.data.externalId);
    return {
      recordId: stream.id,
      number: event.data.number,
      words: wordsAfter({}, event),
      externalIds: externalId ? [externalId] : [],
      into: null,
      goldenId: stream.id,
      members: [],
      picks: {},
      status: 'active',
      createdAt: effectiveAt,
      updatedAt: effectiveAt,
    };
  }
  if (!before) return undefined;
  const now = { ...before, updatedAt: effectiveAt };
  switch (event.type) {
    case 'CustomerDetailsChanged':
      return { ...now, words: wordsAfter(before.words, event) };
    case 'CustomersMerged': {
      const { absorbed, picks, rules, sources } = event.data;
      const frozen = { rules, ...(sources && { sources }) } as SurvivorshipRules;
      const picked = Object.entries(picks ?? {}).map(([field, recordId]) => [
        field,
        [...(before.picks[field] ?? []), { recordId, position }],
      ]);
      return {
        ...now,
        members: [...before.members, ...absorbed.map((recordId) => ({ recordId, position, rules: frozen }))],
        picks: { ...before.picks, ...Object.fromEntries(picked) },
      };
    }
    case 'CustomersUnmerged': {
      const { released } = event.data;
      return { ...now, members: before.members.filter(({ recordId }) => !released.includes(recordId)) };
    }
    case 'CustomerAbsorbed':
      return { ...now, into: event.data.into, goldenId: event.data.goldenId };
    case 'CustomerReleased':
      return { ...now, into: null, goldenId: before.recordId };
    case 'CustomerArchived':
      return { ...now, status: 'archived' };
    case 'CustomerRestored':
      return { ...now, status: 'active' };
    case 'CustomerErased':
      return { ...now, status: 'erased', words: {}, externalIds: [], picks: {} };
    case 'CustomerConfirmed':
    case 'CustomerMet':
    case 'CustomerValuesClaimed':
    case 'CustomerSuggestionDismissed':
      return before;
  }
}

type Saying = {
  data: { inferred?: readonly Inferred[]; restored?: readonly Restored[] };
  position: number;
  occurredAt: Instant;
  effectiveAt: Instant;
};

function wordsAfter(before: Words, { data, position, occurredAt, effectiveAt }: Saying): Words {
  const words: Record<string, Word> = { ...before };
  const rules = new Map(data.inferred?.map(({ field, rule }) => [field, rule]));
  const restored = new Map(data.restored?.map((one) => [one.field, one]));
  for (const field of customerFieldNames) {
    if (!(field in data)) continue;
    const given = known((data as Record<string, unknown>)[field]) ?? null;
    const inferred = rules.get(field);
    const earlier = restored.get(field);
    const isFollowing = inferred !== undefined && given !== null;
    if (earlier && earlier.position === undefined && !isFollowing) {
      delete words[field];
      continue;
    }
    words[field] = {
      ...(field === 'custom'
        ? customWord(before.custom, given as Own | null, { position, at: effectiveAt }, restored)
        : { value: given }),
      position: earlier?.position ?? position,
      // Since when a customer is in a stage does not depend on what its record was told before.
      at: earlier?.at ?? (field === 'lifecycle' ? occurredAt : effectiveAt),
      ...(inferred !== undefined && { inferred }),
      ...(field === 'lifecycle' && isAutomatic(data) && { automatic: true }),
    };
  }
  return words;
}

type Own = Readonly<Record<string, unknown>>;

/** Null says that a field is empty although another record of the customer fills it. */
function customWord(
  word: Word | undefined,
  given: Own | null,
  place: { position: number; at: Instant },
  restored: ReadonlyMap<string, Restored>,
): Pick<Word, 'value' | 'own'> {
  const before = word?.own ?? {};
  const now = Object.entries(given ?? {});
  const said = now.map(([key, value]) => {
    const isAsBefore = Object.hasOwn(before, key) && JSON.stringify(before[key]?.value) === JSON.stringify(value);
    const { position, at } = { ...place, ...restored.get(`custom.${key}`) };
    return [key, isAsBefore ? before[key] : { value, position, at }] as const;
  });
  const filled = now.filter(([, value]) => value !== null);
  return { value: given && Object.fromEntries(filled), own: Object.fromEntries(said) as NonNullable<Word['own']> };
}

/** Whether the stage that an event gives followed from what the customer did. */
export const isAutomatic = (data: object = {}): boolean =>
  'lifecycleSetBy' in data && data.lifecycleSetBy === 'automatic';

/** One value, or one entry of a list, and the record that it comes from. */
export type Origin = Word & { recordId: string };
/** What holds for a golden customer: the origins of each field, several only for lists and for `custom`, one a key. */
export type Golden = { readonly [F in CustomerField]?: readonly Origin[] };

/**
 * What the records of a group say together. What the survivor was told after a record had joined it replaces what that
 * record had said before; what the record is told later counts again. Each merge chooses by its own rules between what the
 * survivor had by then and what joined it. So the result is made of the records alone, and a record that is taken out
 * leaves nothing behind.
 *
 * @param of the other records of the group, by id
 */
export function goldenOf(top: CustomerRecord, of: ReadonlyMap<string, CustomerRecord>): Golden {
  const sourceOf = (recordId: string) => (recordId === top.recordId ? top : of.get(recordId))?.externalIds[0];
  const rankOf: RankOf = (ranking, { recordId }) => {
    const rank = ranking.indexOf(sourceOf(recordId)?.connectionId ?? entered);
    return rank < 0 ? ranking.length : rank;
  };
  const isOfGroup = (id: unknown) => id === top.recordId || of.has(id as string);
  const combined = (given: CustomerRecord): Golden => {
    const record = { ...given, words: withoutItself(given.words, isOfGroup) };
    const joined = record.members.flatMap(({ recordId, ...merge }) => {
      const member = of.get(recordId);
      return member ? [{ recordId, ...merge, says: combined(member) }] : [];
    });
    const name = chosen('name', record, joined, rankOf)[0];
    const named = name ? ofName(name, record, joined) : { record, joined };
    const golden = customerFieldNames.flatMap((field) => {
      const isPart = nameParts.includes(field) && !record.picks[field];
      const among = isPart ? named : { record, joined };
      const origins = chosen(field, among.record, among.joined, rankOf);
      return origins.length > 0 ? [[field, origins]] : [];
    });
    return Object.fromEntries(golden) as Golden;
  };
  return combined(top);
}

const othersNamed: readonly CustomerField[] = ['employerId', 'referredBy'];

/** Nobody works for himself, nor recommended himself: records that named each other do so no more once they are one customer. */
function withoutItself(words: Words, isOfGroup: (id: unknown) => boolean): Words {
  const itself = othersNamed.filter((field) => isOfGroup(words[field]?.value));
  if (itself.length === 0) return words;
  return Object.fromEntries(Object.entries(words).filter(([field]) => !itself.includes(field as CustomerField)));
}

type Joined = Member & { says: Golden };
/** Place of an origin's source in a ranking, 0 for the first one; those that are not named come last. */
type RankOf = (ranking: readonly string[], origin: Origin) => number;

const nameParts: readonly CustomerField[] = ['givenName', 'familyName'];

/** Those who say the parts of a name: who is called so, and the survivor in what it was told after the name had joined it. */
function ofName(
  { value, recordId }: Origin,
  record: CustomerRecord,
  joined: readonly Joined[],
): { record: CustomerRecord; joined: readonly Joined[] } {
  const isCalledSo = (name: unknown) => name === value;
  const since = joined.find(({ says }) => says.name?.[0]?.recordId === recordId)?.position ?? 0;
  const without = ({ words }: CustomerRecord): Words =>
    Object.fromEntries(
      Object.entries(words).filter(
        ([field, { position }]) => position > since || !nameParts.includes(field as CustomerField),
      ),
    );
  return {
    record: isCalledSo(record.words.name?.value) ? record : { ...record, words: without(record) },
    joined: joined.map(({ says, ...merge }) => {
      if (isCalledSo(says.name?.[0]?.value)) return { ...merge, says };
      const { givenName: _, familyName: __, ...others } = says;
      return { ...merge, says: others };
    }),
  };
}

function chosen(
  field: CustomerField,
  record: CustomerRecord,
  joined: readonly Joined[],
  rankOf: RankOf,
): readonly Origin[] {
  if (field !== 'custom') {
    const word = record.words[field];
    const own = word ? spread(field, { ...word, recordId: record.recordId }) : [];
    return chosenOf(field, field, record, { word, own, picks: record.picks[field] ?? [] }, joined, rankOf);
  }
  const words = record.words.custom?.own ?? {};
  const keys = [...Object.keys(words), ...joined.flatMap(({ says }) => (says.custom ?? []).map(ownKeyOf))];
  return [...new Set(keys)].flatMap((key) => {
    const word = Object.hasOwn(words, key) ? words[key] : undefined;
    const isFilled = word && word.value !== null;
    const own = isFilled ? [{ ...word, value: { [key]: word.value }, recordId: record.recordId }] : [];
    const saying = joined.map(({ says, ...merge }) => ({
      ...merge,
      says: { custom: (says.custom ?? []).filter((origin) => ownKeyOf(origin) === key) },
    }));
    const picks = ['custom', `custom.${key}`].flatMap((name) => record.picks[name] ?? []);
    const inOrder = picks.toSorted((a, b) => a.position - b.position);
    return chosenOf('custom', `custom.${key}`, record, { word, own, picks: inOrder }, saying, rankOf);
  });
}

/** Which of the installation's own fields an origin of `custom` is about. */
export const ownKeyOf = ({ value }: Pick<Origin, 'value'>): string => Object.keys(value as object)[0] as string;

type Standing = { word: Word | undefined; own: readonly Origin[]; picks: readonly Picked[] };

/** @param name by which the field has its rule */
function chosenOf(
  field: CustomerField,
  name: ChosenField,
  record: CustomerRecord,
  { word, own, picks }: Standing,
  joined: readonly Joined[],
  rankOf: RankOf,
): readonly Origin[] {
  const isReplaced = (since: number, origin: Origin) =>
    word !== undefined &&
    word.position > since &&
    word.position > origin.position &&
    (!word.inferred || origin.inferred !== undefined);
  const others = joined.map(({ says, ...merge }) => ({
    ...merge,
    origins: (says[field] ?? []).filter((origin) => !isReplaced(merge.position, origin)),
  }));
  // A merge that was taken apart leaves nothing behind.
  const standing = picks.filter(({ recordId, position }) =>
    joined.some((one) => one.position === position && [one.recordId, record.recordId].includes(recordId)),
  );
  const pick = standing.at(-1);
  if (pick && !(word && !word.inferred && word.position > pick.position)) {
    const before = (some: readonly Joined[]) =>
      chosenOf(field, name, record, { word, own, picks: standing.slice(0, -1) }, some, rankOf);
    const picked =
      pick.recordId === record.recordId
        ? before(joined.filter(({ position }) => position < pick.position))
        : others.find(({ recordId }) => recordId === pick.recordId)?.origins;
    return picked && picked.length > 0 ? picked : before(joined);
  }
  const merges = Map.groupBy(others, ({ position }) => position);
  return [...merges.values()].reduce<readonly Origin[]>((kept, members) => {
    const { rule, sources = [] } = survivorshipOf((members[0] as Member).rules, name);
    const candidates = [kept, ...members.map(({ origins }) => origins)];
    return choice(field, record, candidates, rule, (origin) => rankOf(sources, origin));
  }, own);
}

/** What one merge makes of a field: the survivor's origins come first among the candidates. */
function choice(
  field: CustomerField,
  { recordId }: CustomerRecord,
  candidates: readonly (readonly Origin[])[],
  rule: Survivorship,
  rank: (origin: Origin) => number,
): readonly Origin[] {
  const given = candidates.filter((origins) => origins.length > 0);
  const said = given.map((origins) => origins.filter(({ inferred }) => !inferred)).filter(({ length }) => length > 0);
  const all = said.length > 0 ? said : given;
  if (rule === 'all')
    return onlyOnce(
      field,
      all.flat().toSorted((a, b) => rank(a) - rank(b)),
    );
  const ranks = all.map(([first]) => rank(first as Origin));
  const foremost = all.filter((_, index) => ranks[index] === Math.min(...ranks));
  if (rule === 'survivor' && foremost[0]?.[0]?.recordId === recordId) return foremost[0];
  return best(rule, foremost);
}

/** The entries of a list one by one; nothing where there is no value. */
const spread = (field: CustomerField, origin: Origin): Origin[] =>
  origin.value === null
    ? []
    : isListField(field)
      ? (origin.value as unknown[]).map((value) => ({ ...origin, value }))
      : [origin];

function best(rule: Survivorship, candidates: readonly (readonly Origin[])[]): readonly Origin[] {
  const weigh = ([first]: readonly Origin[]) => {
    const { at, position, value } = first as Origin;
    return { at, position, length: typeof value === 'string' ? value.length : 0 };
  };
  return candidates.reduce<readonly Origin[]>((kept, next) => {
    if (kept.length === 0) return next;
    const [a, b] = [weigh(kept), weigh(next)];
    const later = b.at === a.at ? b.position > a.position : b.at > a.at;
    if (rule === 'longest' && a.length !== b.length) return b.length > a.length ? next : kept;
    return later === (rule !== 'earliest') ? next : kept;
  }, []);
}

const texts = (...parts: (string | undefined)[]) => parts.map((part = '') => part.toLowerCase()).join('\u001f');
/** What makes two entries of a list the same. */
const keys: { readonly [F in ListField]: (entry: never) => string } = {
  emails: ({ value }: { value: string }) => value.trim().toLowerCase(),
  phones: ({ value, e164 }: { value: string; e164?: string }) => e164 ?? value.replace(/\D/g, ''),
  addresses: (entry: Record<string, string>) =>
    texts(entry['country'], entry['province'], entry['city'], entry['district'], entry['street'], entry['postcode']),
  socials: ({ network, value }: { network: string; value: string }) => texts(network, value),
  tags: (tag: string) => tag,
  productInterests: (interest: string) => texts(interest),
  hobbies: (hobby: string) => texts(hobby),
  competitors: ({ name, product }: { name: string; product?: string }) => texts(name, product),
};

/** What two entries of a list have in common where they are the same one. */
export const entryKey = (field: ListField): ((entry: unknown) => string) => keys[field] as (entry: unknown) => string;

/**
 * Each entry once, as the first one says it, with what that leaves open from those that say it too. The first that is said to be
 * the primary one is, and no other.
 */
function onlyOnce(field: CustomerField, origins: readonly Origin[]): Origin[] {
  if (!isListField(field)) return origins.slice(0, 1);
  const key = entryKey(field);
  const alike = Map.groupBy(origins, ({ value }) => key(value));
  const main = origins.find(({ value }) => isPrimary(value));
  return [...alike].map(([one, [first, ...others]]) => {
    const origin = first as Origin;
    const value = others.reduce((said, other) => withOpen(said, other.value), origin.value);
    if (main && one === key(main.value)) return { ...origin, value: { ...(value as object), primary: true } };
    return { ...origin, value: isPrimary(value) ? withoutPrimary(value) : value };
  });
}

const withOpen = (entry: unknown, other: unknown): unknown =>
  typeof entry === 'object' ? { ...entry, ...(other as object), ...entry } : entry;

const isPrimary = (entry: unknown): boolean => (Object(entry) as { primary?: boolean }).primary === true;

function withoutPrimary<E>(entry: E): E {
  const { primary: _, ...rest } = entry as E & { primary?: boolean };
  return rest as E;
}

/** Of several entries of a list that are said to be the primary one, the first is; the others stay as they are. */
export function withOnePrimary<E>(entries: readonly E[]): E[] {
  const first = entries.findIndex(isPrimary);
  return entries.map((entry, index) => (index > first && isPrimary(entry) ? withoutPrimary(entry) : entry));
}

export const setBy = ['manual', 'automatic'] as const;
export type SetBy = (typeof setBy)[number];
/** Since when a customer is in its stage, and whether that followed from what it did; nothing where it is in none. */
export type LifeStage = { lifecycleSince?: Instant; lifecycleSetBy?: SetBy };

export function stageOf({ lifecycle: [word] = [] }: Golden): LifeStage {
  return word ? { lifecycleSince: word.at, lifecycleSetBy: word.automatic ? 'automatic' : 'manual' } : {};
}

/** The values alone, as one record's fields. */
export const fieldsOf = (golden: Golden): CustomerFields =>
  Object.fromEntries(
    Object.entries(golden).map(([field, origins]) => [
      field,
      isListField(field)
        ? origins.map(({ value }) => value)
        : field === 'custom'
          ? Object.fromEntries(origins.flatMap(({ value }) => Object.entries(value as Own)))
          : origins[0]?.value,
    ]),
  ) as CustomerFields;

/** Field -> the rule that its value follows from, where nobody said it. */
export const inferredOf = (golden: Golden): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(golden).flatMap(([field, [origin]]) =>
      origin?.inferred === undefined ? [] : [[field, origin.inferred]],
    ),
  );

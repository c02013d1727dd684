import {
  customerFieldNames,
  isErased,
  known,
  type CustomerField,
  type CustomerFields,
  type Inferred,
  type SourceStamp,
} from '@throughline/contracts';
import { filledIn, type OwnFields } from './own-fields.ts';
import { isInferable, nothingTells } from '../cleaning/inferred.ts';

type Words = {
  details: CustomerFields;
  said: CustomerFields;
  stamps: { readonly [F in CustomerField]?: SourceStamp };
  inferred: Readonly<Record<string, string>>;
  cleared: readonly string[];
  unreadable: boolean;
};

/** The state with the fields that an event gives; of a source also with what it said, and by which stamp. */
export function withWords<State extends Words>(
  state: State,
  event: { inferred?: readonly Inferred[] },
  stamp: SourceStamp | undefined,
  confirmed: readonly string[] = [],
): State {
  const rules = new Map(event.inferred?.map(({ field, rule }) => [field, rule]));
  const given: Record<string, unknown> = {};
  let { unreadable } = state;
  for (const field of customerFieldNames) {
    if (!(field in event)) continue;
    const value = (event as Record<string, unknown>)[field];
    given[field] = value === null ? undefined : field === 'custom' ? ownIn(known(value)) : known(value);
    unreadable ||= isErased(value);
  }
  const isSaid = (field: string) => !rules.has(field);
  const said = Object.fromEntries(Object.entries(given).filter(([field]) => isSaid(field)));
  const inferred = Object.entries(state.inferred).filter(([field]) => !(field in given));
  const now = {
    ...state,
    unreadable,
    details: compact({ ...state.details, ...given }),
    inferred: Object.fromEntries([...inferred, ...[...rules].filter(([, rule]) => rule !== nothingTells)]),
    cleared: [
      ...state.cleared.filter((field) => !(field in given)),
      ...Object.keys(said).filter((field) => said[field] === undefined && isInferable(field)),
    ],
  };
  if (!stamp) return now;
  const stamps = Object.fromEntries([...Object.keys(said), ...confirmed].map((field) => [field, stamp]));
  return { ...now, said: compact({ ...state.said, ...said }), stamps: { ...state.stamps, ...stamps } };
}

/** Own fields that a record says are empty are empty. */
const ownIn = (custom: unknown): OwnFields | undefined =>
  custom === undefined ? undefined : filledIn(custom as OwnFields);

const compact = (fields: Record<string, unknown>): CustomerFields =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

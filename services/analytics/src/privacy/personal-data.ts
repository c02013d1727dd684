import {
  classOf,
  consentState,
  contactForbidden,
  fieldOf,
  lastWord,
  ownColumnLabels,
  type Actor,
  type Bilingual,
  type ConsentEntry,
  type ConsentLedger,
  type ConsentPurpose,
  type ConsentState,
  type ContactChannel,
  type FieldClass,
  type FieldClasses,
  type FieldGroup,
  type FieldOption,
  type Instant,
  type Translated,
} from '@throughline/contracts';
import { basisLabels, channelLabels, entered, groupLabels } from './personal-data-labels.ts';

export type Language = keyof Bilingual;
export type Origin = { at: Instant; recordedAt: Instant; actor: Actor; source: string };
type Json = Readonly<Record<string, unknown>>;

/** What is known, as the views have it. Several records where they are one person's. */
export type Known = {
  customerId: string;
  records: readonly {
    id: string;
    number: string;
    details: Json;
    externalIds: readonly { connectionId: string; id: string }[];
    createdAt: Instant;
    origins: Readonly<Record<string, Origin>>;
  }[];
  ledger: ConsentLedger;
  purposes: readonly ConsentPurpose[];
  texts: readonly { purpose: string; textVersion: string; language: string; text: string }[];
  classes: FieldClasses;
  /** The installation's own fields. */
  own: readonly { key: string; label: Translated; options: readonly FieldOption[] }[];
  /** Id of a connection or form -> what people call it. */
  names: ReadonlyMap<string, string>;
  forms: readonly Omit<ToldForm, 'form'>[];
  orders: readonly Json[];
  deals: readonly Json[];
  interactions: readonly Json[];
  history: readonly { at: Instant; type: string; recordId: string; actor: Actor; source: string | null; data: Json }[];
  exports: readonly { at: Instant; actor: Actor; format: string }[];
};

export type ToldField = {
  field: string;
  label: string;
  group: FieldGroup;
  groupLabel: string;
  personal: boolean;
  class: FieldClass;
  value: unknown;
  /** What was chosen, as it is called; null where there is nothing to choose from. */
  valueLabels: readonly string[] | null;
  /** Where it comes from, by whom and since when. */
  source: string;
  sourceLabel: string;
  actor: Actor | null;
  at: Instant | null;
};

export type ToldConsent = Partial<Omit<ConsentEntry, 'channel' | 'purpose'>> & {
  purpose: string;
  label: string;
  description: string | null;
  channel: ContactChannel | null;
  channelLabel: string | null;
  state: ConsentState;
  basisLabel: string | null;
  /** What the person agreed to, word for word. */
  text: string | null;
};

export type ToldForm = {
  formId: string;
  /** Its name. */
  form: string;
  at: Instant;
  page: string | null;
  utm: Readonly<Record<string, string>> | null;
  /** In which it was shown. */
  language: Language;
};

/** All that is known about a person, for the person. */
export type PersonalData = {
  customerId: string;
  language: Language;
  exportedAt: Instant;
  records: readonly {
    id: string;
    number: string;
    createdAt: Instant;
    fields: readonly ToldField[];
    sources: readonly { connectionId: string; connection: string; id: string }[];
  }[];
  doNotContact: { since: Instant; how: string } | null;
  consents: readonly ToldConsent[];
  consentHistory: readonly ConsentEntry[];
  forms: readonly ToldForm[];
  orders: readonly Json[];
  deals: readonly Json[];
  interactions: readonly Json[];
  history: Known['history'];
  exports: Known['exports'];
};

export function personalData(known: Known, language: Language, now: Instant): PersonalData {
  const { customerId, ledger, orders, deals, interactions, history, exports, names } = known;
  const forbidden = contactForbidden(ledger);
  const nameOf = (source: string) =>
    names.get(source) ?? (source in entered ? entered[source as keyof typeof entered][language] : source);
  const ownLabels = ownColumnLabels(known.own);
  const own = new Map(known.own.map(({ key, options }) => [`custom.${key}`, { label: ownLabels.get(key), options }]));
  return {
    customerId,
    language,
    exportedAt: now,
    records: known.records.map(({ id, number, createdAt, externalIds, details, origins }) => ({
      id,
      number,
      createdAt,
      fields: fieldsOf(details).flatMap(([field, value]) => {
        const told = fieldOf(field);
        if (!told) return [];
        const origin = origins[field];
        const source = origin?.source ?? '';
        return [
          {
            field,
            label: (own.get(field)?.label ?? told.label)[language],
            group: told.group,
            groupLabel: groupLabels[told.group][language],
            personal: told.personal,
            class: classOf(field, known.classes),
            value,
            valueLabels: chosenOf(own.get(field)?.options, value, language),
            source,
            sourceLabel: nameOf(source),
            actor: origin?.actor ?? null,
            at: origin?.at ?? null,
          },
        ];
      }),
      sources: externalIds.map(({ connectionId, id: external }) => ({
        connectionId,
        connection: nameOf(connectionId),
        id: external,
      })),
    })),
    doNotContact: forbidden ? { since: forbidden.at, how: forbidden.how } : null,
    consents: consentsOf(known, language, now),
    consentHistory: ledger.entries,
    forms: known.forms.map(({ formId, ...sent }) => ({ formId, form: nameOf(formId), ...sent })),
    orders,
    deals,
    interactions,
    history,
    exports,
  };
}

/** The installation's own fields one by one. */
const fieldsOf = ({ custom, ...details }: Json): [string, unknown][] => [
  ...Object.entries(details),
  ...Object.entries((custom ?? {}) as Json).map(([name, value]): [string, unknown] => [`custom.${name}`, value]),
];

function chosenOf(options: readonly FieldOption[] = [], value: unknown, language: Language): string[] | null {
  if (options.length === 0) return null;
  return [value].flat().map((chosen) => {
    const label = options.find((option) => option.value === chosen)?.label;
    return label?.[language] ?? label?.en ?? label?.zh ?? String(chosen);
  });
}

/** What was said about each purpose and channel that anybody spoke of. */
function consentsOf({ ledger, purposes, texts }: Known, language: Language, now: Instant): ToldConsent[] {
  const spokenOf = [
    ...new Set(ledger.entries.map(({ purpose, channel }) => JSON.stringify([purpose, channel ?? null]))),
  ];
  return spokenOf.sort().flatMap((key) => {
    const [purpose, channel] = JSON.parse(key) as [string, ContactChannel | null];
    const word = lastWord(ledger, purpose, channel ?? undefined);
    if (!word) return [];
    const { purpose: _, channel: __, ...said } = word;
    const defined = purposes.find((one) => one.key === purpose);
    const agreed = word.kind === 'given' ? texts.find((one) => isText(one, word)) : undefined;
    return [
      {
        ...said,
        purpose,
        label: defined?.label[language] ?? purpose,
        description: defined?.description?.[language] ?? null,
        channel,
        channelLabel: channel && channelLabels[channel][language],
        state: consentState(word, now),
        basisLabel: word.kind === 'given' ? basisLabels[word.basis][language] : null,
        text: agreed?.text ?? null,
      },
    ];
  });
}

const isText = (
  text: Known['texts'][number],
  word: { purpose: string; textVersion?: string; language?: string },
): boolean =>
  text.purpose === word.purpose &&
  text.textVersion === word.textVersion &&
  (word.language === undefined || text.language === word.language);

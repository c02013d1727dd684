import type { Actor } from '@throughline/contracts';
import type { PersonalData } from './personal-data.ts';
import {
  channelLabels,
  classLabels,
  columnLabels,
  doNotContact,
  languageLabels,
  sectionLabels,
  stateLabels,
} from './personal-data-labels.ts';

type Row = {
  section: string;
  item: string;
  value?: string;
  class?: string;
  source?: string;
  by?: string;
  at?: string | null;
};
const columns = ['section', 'item', 'value', 'class', 'source', 'by', 'at'] as const;

const by = (actor: Actor | null): string => (actor ? `${actor.type} ${actor.id}` : '');
/** A value for people: lists line by line, what is nested as JSON. */
function textOf(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return value.map(textOf).join('\n');
  const { value: whole } = Object(value) as { value?: unknown };
  return typeof whole === 'string' ? whole : JSON.stringify(value);
}
const string = (value: unknown): string => (typeof value === 'string' ? value : '');
const sum = (money: unknown): string => {
  const { amount, currency } = Object(money) as { amount?: string; currency?: string };
  return amount === undefined ? '' : `${amount} ${currency}`;
};
const present = (...texts: unknown[]): string => texts.map(textOf).filter(Boolean).join(' · ');

/** All that is known about a person as a table, one row a fact; the first row names the columns. */
export function personalDataRows(data: PersonalData): string[][] {
  const { language } = data;
  const section = (name: keyof typeof sectionLabels) => sectionLabels[name][language];
  const rows: Row[] = [
    ...data.records.flatMap(({ fields }) =>
      fields.map((told) => ({
        section: told.groupLabel,
        item: told.label,
        value: textOf(told.valueLabels ?? told.value),
        class: classLabels[told.class][language],
        source: told.sourceLabel,
        by: by(told.actor),
        at: told.at,
      })),
    ),
    ...data.records.flatMap(({ sources }) =>
      sources.map(({ connection, id }) => ({ section: section('sources'), item: connection, value: id })),
    ),
    ...(data.doNotContact
      ? [
          {
            section: section('contact'),
            item: doNotContact[language],
            source: data.doNotContact.how,
            at: data.doNotContact.since,
          },
        ]
      : []),
    ...data.consents.map(({ label, channel, state, basisLabel, text, how, at }) => ({
      section: section('consents'),
      item: present(label, channel && channelLabels[channel][language]),
      value: present(stateLabels[state][language], basisLabel, text),
      ...(how && { source: how }),
      at: at ?? null,
    })),
    ...data.forms.map(({ form, at, page, utm, language: shown }) => ({
      section: section('forms'),
      item: form,
      value: present(page, languageLabels[shown][language], ...parameters(utm)),
      at,
    })),
    ...data.orders.map((order) => ({
      section: section('orders'),
      item: string(order['number']),
      value: present(order['status'], sum(order['total']), order['note'], titles(order['lines'])),
      at: string(order['placedAt']),
    })),
    ...data.deals.map((deal) => ({
      section: section('deals'),
      item: string(deal['title']),
      value: present(deal['status'], sum(deal['value']), deal['lostReason']),
      at: string(deal['createdAt']),
    })),
    ...data.interactions.map((interaction) => ({
      section: section('interactions'),
      item: present(interaction['kind'], interaction['subject']),
      value: present(
        interaction['content'],
        interaction['outcome'],
        Object(interaction['followUp'] as object).plan,
        interaction['participants'],
      ),
      at: string(interaction['startedAt']),
    })),
    ...data.history.map(({ type, data: about, source, actor, at }) => ({
      section: section('history'),
      item: type,
      value: present(about['fields'], about['purpose'], about['channel']),
      source: source ?? '',
      by: by(actor),
      at,
    })),
    ...data.exports.map(({ format, actor, at }) => ({ section: section('exports'), item: format, by: by(actor), at })),
  ];
  return [
    columns.map((column) => columnLabels[column][language]),
    ...rows.map((row: Row) => columns.map((column) => row[column] ?? '')),
  ];
}

const parameters = (utm: PersonalData['forms'][number]['utm']): string[] =>
  Object.entries(utm ?? {}).map(([name, value]) => `utm_${name}=${value}`);
const titles = (lines: unknown): string =>
  Array.isArray(lines) ? lines.map((line) => string((line as { title?: unknown }).title)).join(', ') : '';

/** Which of day, month and year comes first. */
export type DateOrder = 'ymd' | 'dmy' | 'mdy';

export interface DateReading {
  /** Of dates that could be read either way; without it 03/04/2024 is nothing. */
  order?: DateOrder;
  /** IANA name of the zone of times that name none; UTC without it. */
  timeZone?: string;
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const MONTH = '(?<name>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\\.?';
const DATES = {
  yearFirst: /^(?<year>\d{4})(?:([-/.])(?<month>\d{1,2})\2|年(?<monthHan>\d{1,2})月)(?<day>\d{1,2})[日号]?/,
  compact: /^(?<year>\d{4})(?<month>\d{2})(?<day>\d{2})(?!\d)/,
  yearLast: /^(?<first>\d{1,2})(?<separator>[-/.])(?<second>\d{1,2})\2(?<year>\d{4}|\d{2})(?!\d)/,
  dayName: new RegExp(`^(?<day>\\d{1,2})[- ]${MONTH}[-, ]+(?<year>\\d{4})`, 'i'),
  nameDay: new RegExp(`^${MONTH} (?<day>\\d{1,2}),? (?<year>\\d{4})`, 'i'),
};
const TIME =
  /^(?:T|\s+|$)(?:(?<half>上午|下午)\s?)?(?:(?<hour>\d{1,2})(?::|时|点)(?<minute>\d{2})(?:[:分](?:(?<second>\d{2})(?:[.,](?<fraction>\d{1,9}))?)?秒?)?)?\s?(?<latin>[ap]m)?\s?(?<zone>Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?$/i;

/**
 * A date as people and programs write it: `2024/1/5`, `2024年1月5日`, `20240105`, `05.01.2024`, `5 Jan 2024`, `1/5/24`, and with
 * a time `2024-01-05 13:30`, `2012-01-01T00:00+08:00`, `07/15/2009 02:14:45+0800`, `2024年1月5日 下午1时30分`.
 * @returns `2024-01-05` for a date, also with a midnight that names no zone, as spreadsheets add it;
 * `2024-01-05T05:30:00.000Z` for a time; nothing for what is no date, or could be two
 */
export function readDate(text: string, { order, timeZone = 'UTC' }: DateReading = {}): string | undefined {
  const value = text.normalize('NFKC').trim();
  const found = dateIn(value, order);
  const time = found && TIME.exec(value.slice(found.length))?.groups;
  if (!found || !time) return undefined;
  const midnight = Date.parse(`${found.date}T00:00:00Z`);
  if (Number.isNaN(midnight) || new Date(midnight).toISOString().slice(0, 10) !== found.date) return undefined;
  const ms = millisecondsOf(time);
  if (ms === undefined) return undefined;
  if (time['zone'] === undefined && ms === 0) return found.date;

  const wall = midnight + ms;
  const instant = time['zone'] === undefined ? inZone(wall, timeZone) : wall - offsetOf(time['zone']);
  return new Date(instant).toISOString();
}

function dateIn(text: string, order: DateOrder | undefined): { date: string; length: number } | undefined {
  for (const [form, pattern] of Object.entries(DATES)) {
    const match = pattern.exec(text);
    if (!match) continue;
    const { year, month, monthHan, day, name, first, second, separator } = match.groups!;
    const length = match[0].length;
    if (form !== 'yearLast') {
      const number = name === undefined ? (month ?? monthHan)! : MONTHS.indexOf(name.toLowerCase()) + 1;
      return { date: isoDate(year!, number, day!), length };
    }
    const sure = orderOf(Number(first), Number(second), separator!);
    const chosen = order === 'dmy' || order === 'mdy' ? order : year!.length === 4 ? sure : undefined;
    if (chosen === undefined) return undefined;
    const [days, months] = chosen === 'dmy' ? [first!, second!] : [second!, first!];
    return { date: isoDate(century(year!), months, days), length };
  }
  return undefined;
}

/** Where the year comes last: what cannot be a month is a day; with dots the day comes first. */
function orderOf(first: number, second: number, separator: string): DateOrder | undefined {
  if (first > 12 || first === second) return 'dmy';
  if (second > 12) return 'mdy';
  return separator === '.' ? 'dmy' : undefined;
}

/** As Excel: 00 to 29 are of this century. */
const century = (year: string) => (year.length === 4 ? year : `${Number(year) < 30 ? '20' : '19'}${year}`);

const isoDate = (year: string, month: string | number, day: string) =>
  `${year}-${String(month).padStart(2, '0')}-${day.padStart(2, '0')}`;

function millisecondsOf(time: Record<string, string | undefined>): number | undefined {
  const { half, hour, minute = '0', second = '0', fraction = '', latin, zone } = time;
  const halfDay = (half === '下午' ? 'pm' : half && 'am') ?? latin?.toLowerCase();
  if (hour === undefined) return halfDay || zone ? undefined : 0;
  const [h, m, s] = [Number(hour), Number(minute), Number(second)];
  if (h > 23 || m > 59 || s > 59 || (halfDay && h === 0 && latin) || (latin && h > 12)) return undefined;
  const hours = halfDay === 'pm' && h < 12 ? h + 12 : halfDay === 'am' && h === 12 ? 0 : h;
  return ((hours * 60 + m) * 60 + s) * 1000 + Math.floor(Number(`0.${fraction || '0'}`) * 1000);
}

function offsetOf(zone: string): number {
  const [, sign, hours = '0', minutes = '0'] = /^([+-])(\d{2}):?(\d{2})?$/.exec(zone) ?? [];
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000;
}

/** The instant at which the clocks of a zone show `wall`: of two in autumn the first; in the gap of spring as if there was none. */
function inZone(wall: number, timeZone: string): number {
  const before = wall - zoneOffset(wall - 86_400_000, timeZone);
  const after = wall - zoneOffset(wall + 86_400_000, timeZone);
  const isShown = (instant: number) => instant + zoneOffset(instant, timeZone) === wall;
  return !isShown(before) && isShown(after) ? after : before;
}

const formats = new Map<string, Intl.DateTimeFormat>();

function zoneOffset(instant: number, timeZone: string): number {
  let format = formats.get(timeZone);
  if (!format) {
    format = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' });
    formats.set(timeZone, format);
  }
  const name = format.formatToParts(instant).find(({ type }) => type === 'timeZoneName')?.value ?? '';
  const [, sign, hours = '0', minutes = '0', seconds = '0'] = /([+-])(\d{2}):(\d{2})(?::(\d{2}))?/.exec(name) ?? [];
  return (sign === '-' ? -1 : 1) * ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000;
}

/**
 * The order that a column's dates are written in, from a sample of it; nothing when they leave it open or contradict each
 * other.
 */
export function guessDateOrder(samples: Iterable<string>): DateOrder | undefined {
  const orders = new Set<DateOrder>();
  let isOpen = false;
  for (const sample of samples) {
    const text = sample.normalize('NFKC').trim();
    const { first, second, separator } = DATES.yearLast.exec(text)?.groups ?? {};
    if (first === second && first !== undefined) isOpen = true;
    else if (first !== undefined) {
      const order = orderOf(Number(first), Number(second), separator!);
      if (order === undefined) isOpen = true;
      else orders.add(order);
    } else if (DATES.yearFirst.test(text) || DATES.compact.test(text)) orders.add('ymd');
  }
  const last = [...orders].filter((order) => order !== 'ymd');
  if (last.length > 1) return undefined;
  if (last.length === 1) return last[0];
  return isOpen ? undefined : [...orders][0];
}

import { Unmappable } from './connector.ts';

const dateTime = /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d+))?)?\s*([Zz]|[+-]\d\d(?::?\d\d)?)?$/;
const onlyDate = /^(\d{4})-(\d\d)-(\d\d)$/;
const odata = /^\/Date\((-?\d{1,15})([+-]\d{1,4})?\)\/$/;

const impossible = (pointer: string | undefined) => new Unmappable('Not a date and time that exists.', pointer);

/** Milliseconds as if the wall clock showed UTC, or undefined when the calendar has no such moment. */
function wallClock(year: string, month: string, day: string, hour = '0', minute = '0', second = '0', fraction = '0') {
  const at = new Date(0);
  at.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  const exists = at.getUTCMonth() === Number(month) - 1 && at.getUTCDate() === Number(day);
  // A leap second is the last one of its minute: no clock here can show the 60.
  const sec = Number(second) === 60 ? 59 : Number(second);
  if (!exists || Number(year) === 0 || Number(hour) > 23 || Number(minute) > 59 || sec > 59) return undefined;
  return at.setUTCHours(Number(hour), Number(minute), sec, Number(fraction.slice(0, 3).padEnd(3, '0')));
}

function offsetOf(zone: string): number | undefined {
  if (zone === 'Z' || zone === 'z') return 0;
  const hours = Number(zone.slice(1, 3));
  const minutes = Number(zone.slice(3).replace(':', '') || '0');
  if (hours > 23 || minutes > 59) return undefined;
  return (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * 60_000;
}

function rfc3339(milliseconds: number, pointer: string | undefined): string {
  const at = new Date(milliseconds);
  const year = at.getUTCFullYear();
  if (Number.isNaN(milliseconds) || year < 1 || year > 9999) throw impossible(pointer);
  return at.toISOString();
}

/**
 * RFC 3339 in UTC with milliseconds, from ISO 8601.
 *
 * @param options.timeZone IANA name of the zone in which a text without one is meant; without it such a text is refused
 * @throws Unmappable for what is no date, 31 February included
 */
export function instant(text: string, options: { timeZone?: string; pointer?: string } = {}): string {
  const { timeZone, pointer } = options;
  const [, year = '', month = '', day = '', hour, minute, second, fraction, zone] =
    dateTime.exec(text) ?? onlyDate.exec(text) ?? [];
  const wall = year === '' ? undefined : wallClock(year, month, day, hour, minute, second, fraction);
  if (wall === undefined) throw impossible(pointer);
  if (zone !== undefined) {
    const offset = offsetOf(zone);
    if (offset === undefined) throw impossible(pointer);
    return rfc3339(wall - offset, pointer);
  }
  if (timeZone === undefined) throw new Unmappable('A time without a zone.', pointer);
  return rfc3339(timeZone === 'UTC' ? wall : inZone(wall, timeZone), pointer);
}

const formats = new Map<string, Intl.DateTimeFormat>();
function offsetIn(timeZone: string, at: number): number {
  let format = formats.get(timeZone);
  if (!format) {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
      era: 'short',
    });
    formats.set(timeZone, format);
  }
  const part = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, value]));
  const shown = wallClock(
    part['year'] ?? '',
    part['month'] ?? '',
    part['day'] ?? '',
    part['hour'],
    part['minute'],
    part['second'],
  );
  return (shown ?? at) - (at - (((at % 1000) + 1000) % 1000));
}

/** A time that the clocks skip is moved by the skip; of one they show twice the first is taken. */
function inZone(wall: number, timeZone: string): number {
  const before = offsetIn(timeZone, wall - 86_400_000);
  const after = offsetIn(timeZone, wall + 86_400_000);
  for (const offset of [before, after]) {
    if (offsetIn(timeZone, wall - offset) === offset) return wall - offset;
  }
  return wall - before;
}

export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** Seconds or milliseconds since 1970, whole or with decimals. */
export function epoch(text: string, unit: 'seconds' | 'milliseconds', pointer?: string): string {
  if (!/^-?\d{1,15}(\.\d+)?$/.test(text)) throw impossible(pointer);
  return rfc3339(Math.trunc(Number(text) * (unit === 'seconds' ? 1000 : 1)), pointer);
}

/**
 * OData V2: `/Date(1492041600000)/`, milliseconds of UTC. What may follow (`+0120`) is the offset in minutes at which it
 * was noted down: the moment is the milliseconds alone.
 *
 * @param time `PT13H29M05S` of the Edm.Time that belongs to a date without time
 */
export function odataInstant(text: string, options: { time?: string; pointer?: string } = {}): string {
  const { time, pointer } = options;
  const milliseconds = odata.exec(text)?.[1];
  // Some services are switched to ISO texts, which are meant in UTC.
  if (milliseconds === undefined) return instant(text, { timeZone: 'UTC', ...(pointer !== undefined && { pointer }) });
  const clock = time === undefined ? ['', '0', '0', '0'] : /^PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.\d+)?S)?$/.exec(time);
  if (!clock) throw impossible(pointer);
  const [, hours, minutes, seconds] = clock;
  const since = ((Number(hours ?? 0) * 60 + Number(minutes ?? 0)) * 60 + Number(seconds ?? 0)) * 1000;
  if (since >= 86_400_000) throw impossible(pointer);
  return rfc3339(Number(milliseconds) + since, pointer);
}

/** `YYYY-MM-DD`, of a date or of the local date of a date and time. */
export function date(text: string, pointer?: string): string {
  const [, year = '', month = '', day = ''] = /^(\d{4})-?(\d\d)-?(\d\d)(?:$|[Tt ])/.exec(text) ?? [];
  if (year === '' || wallClock(year, month, day) === undefined) throw impossible(pointer);
  return `${year}-${month}-${day}`;
}

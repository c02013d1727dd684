/** What relative dates are relative to. */
export type Clock = { now: Date; /** IANA name. */ timeZone: string };

/** From `from` until just before `until`, in milliseconds; `day` is where it begins, as a local date. */
export type Span = { from: number; until: number; day: string };

const units = ['h', 'd', 'w', 'M', 'y'] as const;
type Unit = (typeof units)[number];
const relative = /^(now|today|yesterday|tomorrow|startOf(?:Day|Week|Month|Quarter|Year))?(?:([+-]\d{1,5})([hdwMy]))?$/;
const date = /^(\d{4})-(\d{2})-(\d{2})$/;
const instant = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2})$/i;
const daySpan = 86_400_000;

/**
 * Reads a point in time or a local day: RFC 3339 (`2026-03-01T08:00:00Z`), a date (`2026-03-01`: the whole day there),
 * `now`, `today`, `yesterday`, `tomorrow`, `startOfDay` (Week, Month, Quarter, Year; weeks begin on Monday), each with an
 * offset such as `-7d` (h, d, w, M, y), or an offset alone, from now.
 *
 * @returns undefined where it is none of these; `impossible` where it is a date that does not exist
 */
export function spanOf(text: string, clock: Clock): Span | 'impossible' | undefined {
  const zone = zoneOf(clock.timeZone);
  const local = (at: number) => at + offsetAt(at, zone);
  const dayOf = (at: number) => new Date(local(at)).toISOString().slice(0, 10);
  const point = (at: number): Span | 'impossible' =>
    isStorable(at) ? { from: at, until: at + 1, day: dayOf(at) } : 'impossible';
  const wholeDay = (start: number): Span | 'impossible' => {
    const [from, until] = [instantOf(start, zone), instantOf(start + daySpan, zone)];
    return isStorable(from) ? { from, until, day: new Date(start).toISOString().slice(0, 10) } : 'impossible';
  };

  if (date.test(text)) return exists(text) ? wholeDay(Date.parse(`${text}T00:00:00Z`)) : 'impossible';
  if (instant.test(text)) {
    const at = Date.parse(text);
    return exists(text.slice(0, 10)) && !Number.isNaN(at) ? point(at) : 'impossible';
  }
  const [, anchor, amount, unit] = (text !== '' && relative.exec(text)) || [];
  if (anchor === undefined && amount === undefined) return undefined;
  const hours = unit === 'h' ? Number(amount) : 0;
  const start = beginning(anchor ?? 'now', local(clock.now.getTime()));
  const moved = unit === undefined || unit === 'h' ? start : shifted(start, Number(amount), unit as Unit);
  const isDay = anchor === 'today' || anchor === 'yesterday' || anchor === 'tomorrow';
  if (isDay && hours === 0) return wholeDay(moved);
  // Counted from now, hours and all: in local time, so that a week ago is the same hour, whatever the clocks did since.
  const at = moved === local(clock.now.getTime()) ? clock.now.getTime() : instantOf(moved, zone);
  return point(at + hours * 3_600_000);
}

/** The beginning of a local time's day, week, …; local times are held as if they were UTC. */
function beginning(anchor: string, local: number): number {
  if (anchor === 'now') return local;
  const at = new Date(local);
  const [year, month, day] = [at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate()];
  switch (anchor) {
    case 'yesterday':
      return Date.UTC(year, month, day - 1);
    case 'tomorrow':
      return Date.UTC(year, month, day + 1);
    case 'startOfWeek':
      return Date.UTC(year, month, day - ((at.getUTCDay() + 6) % 7));
    case 'startOfMonth':
      return Date.UTC(year, month);
    case 'startOfQuarter':
      return Date.UTC(year, month - (month % 3));
    case 'startOfYear':
      return Date.UTC(year, 0);
    default:
      return Date.UTC(year, month, day);
  }
}

/** The last day of a month stays the last one of a shorter month. */
function shifted(local: number, amount: number, unit: Unit): number {
  if (unit === 'd' || unit === 'w') return local + amount * (unit === 'w' ? 7 : 1) * daySpan;
  const at = new Date(local);
  const months = at.getUTCMonth() + amount * (unit === 'y' ? 12 : 1);
  const lastDay = new Date(Date.UTC(at.getUTCFullYear(), months + 1, 0)).getUTCDate();
  const day = Math.min(at.getUTCDate(), lastDay);
  return Date.UTC(at.getUTCFullYear(), months, day) + (local - Date.parse(new Date(local).toISOString().slice(0, 10)));
}

const zones = new Map<string, Intl.DateTimeFormat>();

function zoneOf(timeZone: string): Intl.DateTimeFormat {
  let zone = zones.get(timeZone);
  if (!zone) {
    const fields = { year: 'numeric', month: 'numeric', day: 'numeric' } as const;
    const clock = { hour: 'numeric', minute: 'numeric', second: 'numeric', hourCycle: 'h23', era: 'short' } as const;
    try {
      zone = new Intl.DateTimeFormat('en-US', { timeZone, ...fields, ...clock });
    } catch {
      // A zone that this machine does not know must not stop the lists.
      zone = new Intl.DateTimeFormat('en-US', { timeZone: 'UTC', ...fields, ...clock });
    }
    zones.set(timeZone, zone);
  }
  return zone;
}

/** How far local clocks are ahead of UTC, in milliseconds. */
function offsetAt(at: number, zone: Intl.DateTimeFormat): number {
  if (Number.isNaN(new Date(at).getTime())) return 0;
  const parts = Object.fromEntries(zone.formatToParts(at).map(({ type, value }) => [type, value]));
  const [year, month, day, hour, minute, second] = ['year', 'month', 'day', 'hour', 'minute', 'second'].map((part) =>
    Number(parts[part]),
  ) as [number, number, number, number, number, number];
  if (parts['era'] === 'BC') return 0;
  const local = new Date(0);
  local.setUTCFullYear(year, month - 1, day);
  local.setUTCHours(hour, minute, second);
  return local.getTime() - Math.floor(at / 1_000) * 1_000;
}

/** When a local time is; where clocks skip it, as much later. */
function instantOf(local: number, zone: Intl.DateTimeFormat): number {
  const guess = local - offsetAt(local, zone);
  const at = local - offsetAt(guess, zone);
  return offsetAt(at, zone) === local - at ? at : Math.max(guess, at);
}

const isStorable = (at: number): boolean => {
  const moment = new Date(at);
  return !Number.isNaN(moment.getTime()) && moment.getUTCFullYear() >= 1 && moment.getUTCFullYear() <= 9998;
};

function exists(day: string): boolean {
  const at = new Date(`${day}T00:00:00Z`);
  return !Number.isNaN(at.getTime()) && at.toISOString().startsWith(day);
}

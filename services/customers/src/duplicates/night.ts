/** The local hours between which nobody is at work. */
const from = 3;
const until = 6;

/**
 * The night that it is somewhere, by its local date; undefined by day.
 *
 * @param timeZone IANA name
 */
export function nightAt(now: Date, timeZone: string): string | undefined {
  const format = new Intl.DateTimeFormat('en-CA', {
    timeZone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    hourCycle: 'h23',
  });
  const parts = Object.fromEntries(format.formatToParts(now).map(({ type, value }) => [type, value]));
  const hour = Number(parts['hour']);
  return hour >= from && hour < until ? `${parts['year']}-${parts['month']}-${parts['day']}` : undefined;
}

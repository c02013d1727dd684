const DAY_MS = 86_400_000;
// The epoch of serial 0, with the day that Lotus 1-2-3 saw in February 1900 and Excel keeps: only from serial 61 on.
const EPOCH_1900 = Date.UTC(1899, 11, 30);
const EPOCH_1904 = Date.UTC(1904, 0, 1);
const LAST = Date.UTC(10_000, 0, 1);

/** Zeros and dashes of a format that fills up with zeros: `000000`, `000-0000-0000`. */
type ZeroFormat = `0${string}`;
/** How a number format shows a number. */
export type NumberKind = 'number' | 'date' | 'time' | 'duration' | ZeroFormat;

/** Built-in formats (ECMA-376 part 1, 18.8.30), with those of the East Asian languages. */
export function builtInKind(id: number): NumberKind {
  if ((id >= 14 && id <= 17) || id === 22 || (id >= 27 && id <= 31) || id === 36 || (id >= 50 && id <= 58))
    return 'date';
  if ((id >= 18 && id <= 21) || (id >= 32 && id <= 35) || id === 45 || id === 47) return 'time';
  return id === 46 ? 'duration' : 'number';
}

const isZeroFormat = (code: string): code is ZeroFormat => /^(?=.{2,30}$)0+(-0+)*$/.test(code);

/** The kind of a format code: its letters, without what stands in quotes, brackets and behind a backslash. */
export function kindOfFormat(code: string): NumberKind {
  const shown = code.split(';')[0]!.replace(/\[\$[^\]]*\]|[_*].|["\\\s]/g, '');
  if (isZeroFormat(shown)) return shown;
  const elapsed = /\[(h+|m+|s+)\]/i.test(code);
  const letters = code
    .replace(/"[^"]*"?|\\.|[_*].|\[[^\]]*\]|general|am\/pm|a\/p|e[+-]/gi, ' ')
    .split(';')[0]!
    .toLowerCase();
  if (elapsed) return 'duration';
  const hasClock = /[hs]/.test(letters);
  if (/[ydeg]/.test(letters) || (letters.includes('m') && !hasClock)) return 'date';
  return hasClock ? 'time' : 'number';
}

/**
 * A serial day number as ISO text: `2024-01-05`, with a fraction `2024-01-05T13:30:00` (to the millisecond); of a time
 * below one day, and of any duration, `13:30:00`. Nothing for what no calendar has.
 */
export function serialText(serial: number, kind: NumberKind, date1904: boolean): string | undefined {
  if (kind === 'number' || isZeroFormat(kind) || !Number.isFinite(serial) || serial < 0) return undefined;
  const ms = Math.round(serial * DAY_MS);
  const isBeforeDates = ms < DAY_MS && (kind === 'time' || (!date1904 && ms > 0));
  if (kind === 'duration' || isBeforeDates) return clock(ms);
  if (!date1904 && (ms === 0 || (serial >= 60 && serial < 61))) return undefined;
  const epoch = date1904 ? EPOCH_1904 : EPOCH_1900 + (serial < 60 ? DAY_MS : 0);
  if (epoch + ms >= LAST) return undefined;
  const iso = new Date(epoch + ms).toISOString();
  return ms % DAY_MS === 0 ? iso.slice(0, 10) : iso.replace(/(\.000)?Z$/, '');
}

/** A whole number with the zeros and dashes of its format; nothing for another kind or number. */
export function zeroFilled(decimal: string, kind: NumberKind): string | undefined {
  if (!isZeroFormat(kind) || !/^\d+$/.test(decimal)) return undefined;
  const [, ...groups] = kind.split('-');
  const digits = decimal.padStart(kind.length - groups.length, '0');
  let at = digits.length - groups.join('').length;
  return [digits.slice(0, at), ...groups.map(({ length }) => digits.slice(at, (at += length)))].join('-');
}

function clock(ms: number): string {
  const two = (n: number) => String(Math.floor(n)).padStart(2, '0');
  const fraction = ms % 1000 === 0 ? '' : `.${String(ms % 1000).padStart(3, '0')}`;
  return `${two(ms / 3_600_000)}:${two((ms / 60_000) % 60)}:${two((ms / 1000) % 60)}${fraction}`;
}

/** The serial of `2024-01-05` or `2024-01-05T13:30:00` in the 1900 system; nothing before March 1900 or for no such day. */
export function serialOf(iso: string): number | undefined {
  const [date, time = '00:00:00'] = iso.split(/[T ]/);
  const ms = Date.parse(`${date}T${time}Z`);
  if (Number.isNaN(ms) || !new Date(ms).toISOString().startsWith(date!)) return undefined;
  const serial = (ms - EPOCH_1900) / DAY_MS;
  return serial >= 61 ? serial : undefined;
}

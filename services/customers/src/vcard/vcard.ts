/** One line of a card: `TEL;TYPE=work:+86 10…`. Names are upper-case, values decoded but not yet split. */
export type Property = { name: string; types: readonly string[]; params: ReadonlyMap<string, string>; value: string };
export type Card = readonly Property[];

/**
 * Reads the cards of a file, versions 2.1 (quoted-printable, bare parameters, other charsets), 3.0 and 4.0.
 *
 * @returns each card's properties, or `unreadable` for one that does not end; nothing where there is no card
 */
export function parseVcards(bytes: Uint8Array): (Card | 'unreadable')[] {
  const cards: (Card | 'unreadable')[] = [];
  let open: Property[] | undefined;
  let depth = 0;
  for (const line of linesOf(latin1Of(bytes))) {
    const property = propertyOf(line);
    if (!property) continue;
    const isCard = property.value.trim().toUpperCase() === 'VCARD';
    if (property.name === 'BEGIN' && isCard) {
      // A card within one (AGENT of 2.1) is somebody else.
      depth += 1;
      if (depth === 1) open = [];
    } else if (property.name === 'END' && isCard) {
      depth = Math.max(0, depth - 1);
      if (depth === 0 && open) cards.push(open);
      if (depth === 0) open = undefined;
    } else if (depth === 1) open?.push(property);
  }
  if (open) cards.push('unreadable');
  return cards;
}

/** A byte a character, so that folding and quoting can be undone before anybody asks for the charset. */
function latin1Of(bytes: Uint8Array): string {
  const [first, second, third] = bytes;
  const isUtf16 = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
  const plain = isUtf16
    ? Buffer.from(new TextDecoder(first === 0xff ? 'utf-16le' : 'utf-16be').decode(bytes))
    : Buffer.from(bytes);
  return plain.toString('latin1', first === 0xef && second === 0xbb && third === 0xbf ? 3 : 0);
}

const isQuotedPrintable = (line: string): boolean => /^[^:]*;(?:ENCODING=)?QUOTED-PRINTABLE/i.test(line);

/** Lines as they were before they were folded, or broken by quoted-printable. */
function linesOf(text: string): string[] {
  const lines: string[][] = [];
  let isQuoted = false;
  let isBroken: boolean = false;
  for (const line of text.split(/\r\n|\r|\n/)) {
    const pieces = lines.at(-1);
    const goesOn: boolean = isBroken || /^[ \t]/.test(line);
    if (!goesOn || !pieces) isQuoted = isQuotedPrintable(line);
    const piece: string = goesOn && !isBroken ? line.slice(1) : line;
    isBroken = isQuoted && piece.endsWith('=');
    const whole = isBroken ? piece.slice(0, -1) : piece;
    if (goesOn && pieces) pieces.push(whole);
    else lines.push([whole]);
  }
  return lines.map((pieces) => pieces.join(''));
}

function propertyOf(line: string): Property | undefined {
  const [, head, raw = ''] = /^((?:[^":]|"[^"]*")*):(.*)$/s.exec(line) ?? [];
  if (head === undefined) return undefined;
  const [name = '', ...given] = head.match(/(?:[^";]|"[^"]*")+/g) ?? [];
  const params = new Map<string, string>();
  const types: string[] = [];
  for (const one of given) {
    const [, key = 'TYPE', value = ''] = /^(?:([^=]*)=)?(.*)$/s.exec(one) ?? [];
    const bare = value.replaceAll('"', '');
    if (/^(quoted-printable|base64)$/i.test(bare)) params.set('ENCODING', bare.toUpperCase());
    else if (key.toUpperCase() === 'TYPE') types.push(...bare.toLowerCase().split(','));
    else params.set(key.toUpperCase(), bare);
  }
  const bytes = params.get('ENCODING') === 'QUOTED-PRINTABLE' ? unquoted(raw) : raw;
  const value = textOf(Buffer.from(bytes, 'latin1'), params.get('CHARSET'));
  // A group (`item1.TEL`) ties lines together that belong to the same thing: not needed here.
  return { name: name.toUpperCase().replace(/^.*\./s, '').trim(), types, params, value };
}

const unquoted = (text: string): string =>
  text.replace(/=([0-9A-F]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));

/** By the charset that it names; else UTF-8, and what is not that is what phones in China wrote. */
function textOf(bytes: Uint8Array, charset: string | undefined): string {
  for (const [name, fatal] of [
    [charset, false],
    ['utf-8', true],
    ['gb18030', false],
  ] as const) {
    if (name === undefined) continue;
    try {
      return new TextDecoder(name, { fatal }).decode(bytes);
    } catch {
      // Not that one.
    }
  }
  return '';
}

/** The parts of a value such as `N`, with what was escaped in them. */
export const partsOf = (value: string, separator: ';' | ','): string[] => {
  const parts = [''];
  for (const [piece] of value.matchAll(/\\.|[^\\]|\\$/gsu)) {
    if (piece === separator) parts.push('');
    else parts[parts.length - 1] += piece;
  }
  return parts.map(unescaped);
};

export const unescaped = (text: string): string =>
  text.replace(/\\(.)/gsu, (_, character: string) => (/n/i.test(character) ? '\n' : character)).trim();

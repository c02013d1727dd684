import { TextDecoder } from 'node:util';
import { SaxesParser } from 'saxes';
import { TableError } from './table-error.ts';

export type Attributes = Readonly<Record<string, string>>;

/** What is told of an XML file; names come without their prefix. */
export interface XmlHandlers {
  open?(name: string, attributes: Attributes): void;
  text?(text: string): void;
  close?(name: string): void;
}

const MAX_DEPTH = 100;

/**
 * Parses XML in UTF-8, and yields after each piece, when the handlers were told of it.
 * @param limit characters of a text or a tag: the parser holds one in memory
 * @throws TableError `unreadable-archive`, also for a document type, which no spreadsheet has; `cell-too-long`
 */
export async function* parseXml(
  pieces: AsyncIterable<Uint8Array>,
  handlers: XmlHandlers,
  limit: number,
): AsyncGenerator<void> {
  const parser = new SaxesParser({ xmlns: false as const, position: false });
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let depth = 0;
  let sinceEvent = 0;
  const unreadable = () => new TableError('unreadable-archive');
  parser.on('error', () => {
    throw unreadable();
  });
  parser.on('doctype', () => {
    throw unreadable();
  });
  parser.on('opentag', ({ name, attributes }) => {
    if (++depth > MAX_DEPTH) throw unreadable();
    sinceEvent = 0;
    handlers.open?.(bare(name), attributes);
  });
  const onText = (value: string) => {
    sinceEvent = 0;
    handlers.text?.(value);
  };
  parser.on('text', onText);
  parser.on('cdata', onText);
  parser.on('closetag', ({ name }) => {
    depth--;
    sinceEvent = 0;
    handlers.close?.(bare(name));
  });

  for await (const piece of pieces) {
    sinceEvent += piece.length;
    parser.write(decoded(decoder, piece));
    if (sinceEvent > limit) throw new TableError('cell-too-long', { limit });
    yield;
  }
  parser.write(decoded(decoder));
  parser.close();
  yield;
}

function decoded(decoder: TextDecoder, piece?: Uint8Array): string {
  try {
    return decoder.decode(piece, { stream: piece !== undefined });
  } catch {
    throw new TableError('unreadable-archive');
  }
}

const bare = (name: string) => name.slice(name.indexOf(':') + 1);

/** An attribute whatever its prefix: `r:id`, `ns2:id`. */
export const prefixed = (attributes: Attributes, name: string): string | undefined =>
  Object.entries(attributes).find(([key]) => bare(key) === name && key.includes(':'))?.[1];

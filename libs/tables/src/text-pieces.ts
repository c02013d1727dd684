import { isUtf8 } from 'node:buffer';
import iconv from 'iconv-lite';
import { piecesOf, type ByteSource } from './byte-source.ts';
import type { Encoding } from './encodings.ts';

export interface TextPiece {
  text: string;
  /** From the first piece on that holds bytes which mean nothing in this encoding, or NUL, or halves of characters. */
  damaged: boolean;
}

/** The text of a file, without its byte order mark, in pieces. What cannot be decoded becomes U+FFFD. */
export async function* textPieces(source: ByteSource, { name, bomBytes }: Encoding): AsyncGenerator<TextPiece> {
  const decoder = name === 'utf-8' ? utf8Decoder() : otherDecoder(name);
  let damaged = false;
  for await (const bytes of piecesOf(source, bomBytes)) {
    const piece = decoder.write(bytes);
    damaged ||= piece.damaged;
    yield { text: piece.text, damaged };
  }
  const rest = decoder.end();
  yield { text: rest.text, damaged: damaged || rest.damaged };
}

interface Decoder {
  write(bytes: Buffer): TextPiece;
  end(): TextPiece;
}

/** Tells a U+FFFD that stands in the file from one that stands for broken bytes. */
function utf8Decoder(): Decoder {
  let rest: Buffer = Buffer.alloc(0);
  const decoded = (bytes: Buffer): TextPiece => {
    const text = bytes.toString('utf8');
    return { text, damaged: text.includes('\0') || (text.includes('\ufffd') && !isUtf8(bytes)) };
  };
  return {
    write(bytes) {
      const all = rest.length > 0 ? Buffer.concat([rest, bytes]) : bytes;
      const end = wholeCharacters(all);
      rest = all.subarray(end);
      return decoded(all.subarray(0, end));
    },
    end: () => decoded(rest),
  };
}

/** Where the last character begins that is not there as a whole, else the end. */
function wholeCharacters(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back]!;
    if (byte < 0x80) break;
    if (byte >= 0xc0) {
      const needed = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
      return back < needed ? bytes.length - back : bytes.length;
    }
  }
  return bytes.length;
}

function otherDecoder(name: string): Decoder {
  const decoder = iconv.getDecoder(name, { stripBOM: false });
  const piece = (text: string): TextPiece => ({ text, damaged: /[\0\ufffd\ud800-\udfff]/u.test(text) });
  return { write: (bytes) => piece(decoder.write(bytes)), end: () => piece(decoder.end() ?? '') };
}

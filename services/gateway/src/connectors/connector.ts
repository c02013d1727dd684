import type { SeenEvent } from '@throughline/contracts';

/** A message as it came in. Header names are lower-case. */
export type Delivery = {
  connectionId: string;
  headers: Readonly<Record<string, string>>;
  /** The raw body, decoded as UTF-8. */
  body: string;
  receivedAt: string;
};

/** What a mapper may use besides the delivery. */
export type MappingContext = {
  /** Keyed hash of a personal key, hex, so that an e-mail can name a record without being readable. */
  hmac: (value: string) => string;
  /** The connection's own mapping, for kind `json`. */
  mapping?: unknown;
};

/** One event for the stream of the object that it is about. */
export type Seen = { stream: { type: string; id: string }; event: SeenEvent };

/**
 * Turns one delivery into what was seen. Pure.
 *
 * @returns an empty list for topics that the CRM does not use
 * @throws Unmappable with the reason, naming the place in the body
 */
export type Mapper = (delivery: Delivery, context: MappingContext) => readonly Seen[];

export class Unmappable extends Error {
  constructor(
    message: string,
    /** JSON Pointer into the body. */
    readonly pointer?: string,
  ) {
    super(message);
  }
}

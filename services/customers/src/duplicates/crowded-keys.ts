const mostRemembered = 200_000;

/** Keys of which it is known that many records have them. */
export class CrowdedKeys {
  readonly #records = new Map<number, number>();

  /** @param records as many have it at least */
  add(key: number, records: number): void {
    if (this.#records.size >= mostRemembered && !this.#records.has(key)) return;
    if (records > (this.#records.get(key) ?? 0)) this.#records.set(key, records);
  }

  /** Whether more than so many records have a key, as far as is known. */
  has(key: number, records: number): boolean {
    return (this.#records.get(key) ?? 0) > records;
  }
}

/** Fetches the next value while the caller works on the one before. Leaves a source behind that ends by itself. */
export async function* ahead<T>(source: AsyncGenerator<T, void>): AsyncGenerator<T, void> {
  const next = () => {
    const coming = source.next();
    coming.catch(() => undefined);
    return coming;
  };
  try {
    for (let coming = next(); ;) {
      const { value, done } = await coming;
      if (done) return;
      coming = next();
      yield value;
    }
  } finally {
    source.return().catch(() => undefined);
  }
}

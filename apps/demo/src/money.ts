/** Money is whole cents: exact, whatever is added up. */
export type Cents = bigint;

export const sum = (amounts: readonly Cents[]): Cents => amounts.reduce((total, amount) => total + amount, 0n);

/** `1234n` -> `"12.34"` */
export const decimal = (cents: Cents): string => {
  const digits = (cents < 0n ? -cents : cents).toString().padStart(3, '0');
  return `${cents < 0n ? '-' : ''}${digits.slice(0, -2)}.${digits.slice(-2)}`;
};

/** `"12.3400"` -> `1234n`. A part below the cent is refused: there should be none. */
export const cents = (text: string): Cents => {
  const match = /^(-?)(\d+)(?:\.(\d{1,2})0*)?$/.exec(text.trim());
  if (!match) throw new Error(`Not an amount in cents: ${text}`);
  const [, sign, whole = '0', part = ''] = match;
  const value = BigInt(whole) * 100n + BigInt(part.padEnd(2, '0'));
  return sign === '-' ? -value : value;
};

/** A share of an amount, rounded half up. */
export const share = (amount: Cents, part: bigint, whole: bigint): Cents => (amount * part * 2n + whole) / (whole * 2n);

/** The 13 % VAT that is inside a price. */
export const taxWithin = (gross: Cents): Cents => share(gross, 13n, 113n);

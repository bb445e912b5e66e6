// Money is a decimal string on the wire and micro-units in a bigint here; a float never holds it.

export interface Money {
  amount: string;
  currency: string;
}

const MICRO = 1_000_000n;
const AMOUNT = /^(-?)(\d+)(?:\.(\d{1,6}))?$/;
// ISO 4217, as common/money.c has them: where it is not two.
const DECIMALS: Readonly<Record<string, number>> = {
  ...Object.fromEntries("CLP ISK JPY KRW PYG RWF UGX VND XAF XOF XPF".split(" ").map((code) => [code, 0])),
  ...Object.fromEntries("BHD IQD JOD KWD LYD OMR TND".split(" ").map((code) => [code, 3])),
};
const SYMBOLS: Readonly<Record<string, string>> = { USD: "$", EUR: "€", GBP: "£" };
const STEPS: readonly [bigint, string][] = [
  [1_000_000_000_000n * MICRO, "T"],
  [1_000_000_000n * MICRO, "B"],
  [1_000_000n * MICRO, "M"],
  [1_000n * MICRO, "k"],
];

/** Micro-units of a decimal string; throws on anything else, since a wrong amount is worse than none. */
export function micro(amount: string): bigint {
  const match = AMOUNT.exec(amount);
  if (match === null) throw new Error(`"${amount}" is not a decimal amount`);
  const [, sign, whole = "0", fraction = ""] = match;
  const value = BigInt(whole) * MICRO + BigInt(fraction.padEnd(6, "0"));
  return sign === "-" ? -value : value;
}

/** Half away from zero, as invoices do it. */
function roundTo(value: bigint, unit: bigint): bigint {
  const half = unit / 2n;
  return value >= 0n ? (value + half) / unit : -((-value + half) / unit);
}

function signed(negative: boolean, currency: string, digits: string): string {
  const symbol = SYMBOLS[currency];
  const sign = negative ? "\u2212" : "";
  return symbol === undefined ? `${sign}${digits} ${currency}` : `${sign}${symbol}${digits}`;
}

function fixed(value: bigint, decimals: number): string {
  const text = value.toString().padStart(decimals + 1, "0");
  const whole = text.slice(0, text.length - decimals).replace(/\B(?=(\d{3})+$)/g, ",");
  return decimals === 0 ? whole : `${whole}.${text.slice(text.length - decimals)}`;
}

/** "$1,234.57", "1,235 JPY", "1,234.568 KWD": to the currency's smallest unit. */
export function formatMicro(value: bigint, currency: string): string {
  const decimals = DECIMALS[currency] ?? 2;
  const minor = roundTo(value, 10n ** BigInt(6 - decimals));
  return signed(minor < 0n, currency, fixed(minor < 0n ? -minor : minor, decimals));
}

export function formatMoney(money: Money): string {
  return formatMicro(micro(money.amount), money.currency);
}

/** "$2.49", "$0.093925": a price of a GPU-hour, with as many decimals as it has, two at least. */
export function formatRate(money: Money): string {
  const value = micro(money.amount);
  const digits = fixed(value < 0n ? -value : value, 6).replace(/(\.\d{2}\d*?)0+$/, "$1");
  return signed(value < 0n, money.currency, digits);
}

/** "$6.82 M": three figures or so, for headlines and axes. */
export function formatShort(value: bigint, currency: string): string {
  const size = value < 0n ? -value : value;
  const step = STEPS.find(([unit]) => size >= unit);
  if (step === undefined) return formatMicro(value, currency);
  const [unit, suffix] = step;
  const hundredths = roundTo(size * 100n, unit);
  const decimals = hundredths >= 10_000n ? 0 : hundredths >= 1_000n ? 1 : 2;
  const digits = fixed(roundTo(hundredths, 10n ** BigInt(2 - decimals)), decimals);
  return signed(value < 0n, currency, `${digits}\u202f${suffix}`);
}

/** part of whole as "63.4 %", or a dash where there is no whole. */
export function formatShare(part: bigint, whole: bigint): string {
  if (whole === 0n) return "\u2013";
  const permille = roundTo((part < 0n ? -part : part) * 1000n, whole < 0n ? -whole : whole);
  const sign = part < 0n !== whole < 0n && permille !== 0n ? "\u2212" : "";
  return `${sign}${fixed(permille, 1)}\u202f%`;
}

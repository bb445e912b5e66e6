/** Spans that reports offer, in days. */
export const DAYS = [30, 90, 365] as const;

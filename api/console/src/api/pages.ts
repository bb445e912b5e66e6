// Lists come in pages; the console wants them whole, within a bound that it admits to.

export interface Page<T> {
  items: T[];
  next_page: string | null;
}

export interface Listing<T> {
  items: T[];
  /** There was more than we were willing to fetch: whoever shows the items says so. */
  capped: boolean;
}

export const PAGE_LIMIT = 1000;
const PAGES_MAX = 25;

/** Follows next_page to the end, or to pagesMax. */
export async function allPages<T>(
  fetchPage: (page: string | undefined) => Promise<Page<T>>,
  pagesMax: number = PAGES_MAX,
): Promise<Listing<T>> {
  const items: T[] = [];
  let page: string | undefined;
  for (let count = 0; count < pagesMax; count++) {
    const next = await fetchPage(page);
    items.push(...next.items);
    if (next.next_page === null) return { items, capped: false };
    page = next.next_page;
  }
  return { items, capped: true };
}

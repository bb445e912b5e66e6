// A list as CSV: the API writes it (Accept: text/csv), page after page; here the pages become one file.
import { addressOf, type Ask } from "./change";
import { PAGE_LIMIT } from "./pages";
import { problemFrom, ProblemError } from "./problem";

/** The address of the next page, from a Link header. */
export function nextOf(link: string | null): string | null {
  return /<([^>]+)>\s*;\s*rel="?next"?/.exec(link ?? "")?.[1] ?? null;
}

/** Without the line of names: no name has a line break in it. */
export function withoutHead(csv: string): string {
  const end = csv.indexOf("\n");
  return end === -1 ? "" : csv.slice(end + 1);
}

async function textOf(address: string): Promise<{ text: string; next: string | null }> {
  const answer = await fetch(address, { headers: { Accept: "text/csv" }, cache: "no-store" });
  if (!answer.ok) throw new ProblemError(problemFrom(answer, await answer.json().catch(() => null)));
  return { text: await answer.text(), next: nextOf(answer.headers.get("Link")) };
}

/** The whole list, as one CSV text. */
export async function csvOf(list: Pick<Ask, "path" | "params" | "query">): Promise<string> {
  const first = await textOf(addressOf({ ...list, query: { ...list.query, limit: String(PAGE_LIMIT) } }));
  const parts = [first.text];
  for (let next = first.next; next !== null;) {
    const page = await textOf(next);
    parts.push(withoutHead(page.text));
    next = page.next;
  }
  return parts.join("");
}

/** Hands a text to the browser as a file. */
export function saveAs(name: string, type: string, text: string): void {
  const address = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  URL.revokeObjectURL(address);
}

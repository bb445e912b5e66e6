// CSV (RFC 4180), read and written. Pure.

function cellOf(text: string): string {
  // What a spreadsheet would take for a formula gets an apostrophe, as the API's own lists have it; amounts do not.
  const safe = /^[=+@]|^-(?!\d)/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export function toCsv(rows: readonly (readonly string[])[]): string {
  return rows.map((row) => `${row.map(cellOf).join(",")}\r\n`).join("");
}

const CELL = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|\n|$)/y;

/** Rows of cells, without empty rows, as the API reads them. Null: a quote does not end, or text follows one. */
export function parseCsv(text: string): string[][] | null {
  const rows: string[][] = [];
  let row: string[] = [];
  for (let at = 0, more = true; more;) {
    CELL.lastIndex = at;
    const match = CELL.exec(text);
    if (match === null) return null;
    const [whole, quoted, plain = "", end] = match;
    row.push(quoted?.replaceAll('""', '"') ?? plain);
    at += whole.length;
    more = end !== "";
    if (end === ",") continue;
    if (row.length > 1 || row[0] !== "") rows.push(row);
    row = [];
  }
  return rows;
}

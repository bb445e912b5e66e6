// A spreadsheet on its way in: its rows, and what the API has against which cell. Pure.
import type { Problem } from "../api/problem";
import { parseCsv } from "../format/csv";

export interface Sheet {
  head: string[];
  rows: string[][];
}

export function sheetOf(text: string): Sheet | null {
  const [head, ...rows] = parseCsv(text.replace(/^\ufeff/, "")) ?? [];
  return head === undefined ? null : { head, rows };
}

export interface RowProblem {
  row: number;
  /** The column, -1: the row as a whole. */
  column: number;
  detail: string;
}

/** /rows/2/cost/amount is of the third row, in the column cost.amount. What names no row stays with the problem. */
export function rowProblems(
  problem: Problem,
  head: readonly string[],
): { rows: RowProblem[]; rest: Problem["errors"] } {
  const rows: RowProblem[] = [];
  const rest: Problem["errors"] = [];
  for (const error of problem.errors) {
    const match = /^\/rows\/(\d+)(?:\/(.+))?$/.exec(error.pointer);
    if (match === null) rest.push(error);
    else {
      const name = match[2]?.replaceAll("/", ".");
      rows.push({
        row: Number(match[1]),
        column: name === undefined ? -1 : head.indexOf(name),
        detail: error.detail.replace(/^line \d+: /, ""),
      });
    }
  }
  return { rows: rows.sort((a, b) => a.row - b.row || a.column - b.column), rest };
}

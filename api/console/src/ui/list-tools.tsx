// What one does with a whole list: take it along as CSV, print it, ask for it from a shell.
import { useState } from "react";
import type { Ask } from "../api/change";
import { csvOf, saveAs } from "../api/csv";
import { problemOf, type Problem } from "../api/problem";
import { CopyAs } from "./copy-as";
import { ProblemBox } from "./problem-box";

interface ListToolsProps {
  /** The list as the API has it, with the filters of the page. */
  list: Pick<Ask, "path" | "params" | "query">;
  /** The file's name, without .csv. */
  name: string;
}

export function ListTools({ list, name }: ListToolsProps) {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  async function download(): Promise<void> {
    setBusy(true);
    setProblem(null);
    try {
      saveAs(`${name}.csv`, "text/csv", await csvOf(list));
    } catch (error) {
      setProblem(problemOf(error));
    } finally {
      setBusy(false);
    }
  }
  return (
    <>
      <span className="list-tools">
        <button type="button" className="quiet small" disabled={busy} onClick={() => void download()}>
          {busy ? "Fetching…" : "CSV"}
        </button>
        <button type="button" className="quiet small" onClick={() => window.print()}>
          Print
        </button>
        <CopyAs ask={{ method: "GET", ...list }} />
      </span>
      {problem !== null && <ProblemBox problem={problem} />}
    </>
  );
}

// Many assets at once, from a spreadsheet: checked row by row as it is given, all registered or none.
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo, useRef, useState, type ChangeEvent } from "react";
import type { ObjectOf } from "../api/lists";
import { problemFrom, problemOf, ProblemError, type Problem } from "../api/problem";
import type { paths } from "../api/schema";
import { session } from "../api/session";
import { usePrincipal } from "../app/principal";
import { refusalFor } from "../billing/shared";
import { formatMoney } from "../format/money";
import { countOf } from "../format/text";
import { CopyAs } from "../ui/copy-as";
import { ProblemBox } from "../ui/problem-box";
import { TableBox } from "../ui/table-box";
import { rowProblems, sheetOf, type Sheet } from "./sheet";
import { useAssets } from "./page";

type Made = paths["/v1/system/assets/import"]["post"]["responses"][201]["content"]["application/json"];
type Asset = ObjectOf<"/v1/system/assets/{id}">;

const PATH = "/v1/system/assets/import";
/** The same from a shell. */
const FROM_FILE = { method: "POST", path: PATH, file: { name: "assets.csv", type: "text/csv" } } as const;
const PAUSE_MS = 400;
const ROWS_SHOWN = 200;
const EXAMPLE: readonly (keyof Asset | "cost.amount" | "cost.currency" | "salvage.amount" | "salvage.currency")[] = [
  "serial",
  "cohort",
  "vendor",
  "cost.amount",
  "cost.currency",
  "salvage.amount",
  "salvage.currency",
  "in_service",
  "life_months",
];

async function post(text: string, validateOnly: boolean, key: string): Promise<Made> {
  const answer = await fetch(validateOnly ? `${PATH}?validate_only=true` : PATH, {
    method: "POST",
    headers: {
      "Content-Type": "text/csv",
      "X-CSRF-Token": session.csrf() ?? "",
      ...(!validateOnly && { "Idempotency-Key": key }),
    },
    body: text,
  });
  const body: unknown = await answer.json().catch(() => null);
  if (!answer.ok) throw new ProblemError(problemFrom(answer, body));
  return body as Made;
}

interface Checked {
  text: string;
  made: Made | null;
  problem: Problem | null;
}

/** What the API says of the text as it stands; null while it is asked. */
function useCheck(text: string): Checked | null {
  const [checked, setChecked] = useState<Checked | null>(null);
  useEffect(() => {
    if (text.trim() === "") return;
    const timer = setTimeout(() => {
      post(text, true, "")
        .then((made) => setChecked({ text, made, problem: null }))
        .catch((error: unknown) => setChecked({ text, made: null, problem: problemOf(error) }));
    }, PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return checked?.text === text ? checked : null;
}

export function Import() {
  const refusal = refusalFor(usePrincipal());
  const [text, setText] = useState("");
  const sheet = useMemo(() => sheetOf(text), [text]);
  const checked = useCheck(text);
  async function onFile(event: ChangeEvent<HTMLInputElement>): Promise<void> {
    const file = event.target.files?.[0];
    if (file !== undefined) setText(await file.text());
  }
  return (
    <section className="panel" aria-label="Import assets">
      <div className="section-top">
        <h2>From a spreadsheet</h2>
        <span className="list-tools">
          <CopyAs ask={FROM_FILE} />
        </span>
      </div>
      <p>
        A header that names fields, nested ones with dots, and a row for each asset: <code>{EXAMPLE.join(",")}</code>.
        All rows are registered, or none.
      </p>
      <div className="field">
        <label htmlFor="import-file">Spreadsheet, as CSV</label>
        <input id="import-file" type="file" accept=".csv,text/csv" onChange={(event) => void onFile(event)} />
      </div>
      <div className="field">
        <label htmlFor="import-text">Or its text</label>
        <textarea
          id="import-text"
          rows={8}
          spellCheck={false}
          className="sheet-text"
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
      </div>
      {text.trim() !== "" && (
        <Verdict text={text} sheet={sheet} checked={checked} refusal={refusal} onDone={() => setText("")} />
      )}
    </section>
  );
}

interface VerdictProps {
  text: string;
  sheet: Sheet | null;
  checked: Checked | null;
  refusal: string | null;
  onDone: () => void;
}

function Verdict({ text, sheet, checked, refusal, onDone }: VerdictProps) {
  const queries = useQueryClient();
  const { set } = useAssets();
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState<Problem | null>(null);
  const key = useRef({ text, key: crypto.randomUUID() });
  const problem = failed ?? checked?.problem ?? null;
  const found = problem === null ? null : rowProblems(problem, sheet?.head ?? []);

  async function go(): Promise<void> {
    if (key.current.text !== text) key.current = { text, key: crypto.randomUUID() };
    setBusy(true);
    setFailed(null);
    try {
      await post(text, false, key.current.key);
      for (const word of ["assets", "margin"]) void queries.invalidateQueries({ queryKey: [word] });
      onDone();
      set({ section: "cohorts" });
    } catch (error) {
      setFailed(problemOf(error));
    } finally {
      setBusy(false);
    }
  }

  return (
    <>
      <section className="effect" aria-label="Effect" aria-live="polite">
        <h3>What it would do</h3>
        {checked === null ? (
          <p className="fine">Asking…</p>
        ) : checked.made === null ? (
          <p className="refusal">
            It would be refused:{" "}
            {found?.rows.length === 0 ? problem?.title : `${countOf(found?.rows.length ?? 0, "cell")} must be mended`}.
          </p>
        ) : (
          <ul className="warnings">
            {checked.made.cohorts.map((cohort) => (
              <li key={`${cohort.cohort} ${cohort.cost.currency}`}>
                {countOf(cohort.assets, "asset")} of {cohort.cohort}, {formatMoney(cohort.cost)}
              </li>
            ))}
          </ul>
        )}
      </section>
      {problem !== null && found !== null && found.rows.length === 0 && (
        <ProblemBox problem={{ ...problem, errors: found.rest }} />
      )}
      {sheet !== null && <SheetTable sheet={sheet} problems={found?.rows ?? []} />}
      <div className="dialog-end">
        <button
          type="button"
          className="primary"
          disabled={busy || refusal !== null || checked?.made == null}
          title={refusal ?? undefined}
          onClick={() => void go()}
        >
          {busy
            ? "Registering…"
            : checked?.made == null
              ? "Register"
              : `Register ${countOf(checked.made.assets, "asset")}`}
        </button>
      </div>
    </>
  );
}

/** The rows with something wrong first; without a problem, the first of them. */
function SheetTable({ sheet, problems }: { sheet: Sheet; problems: ReturnType<typeof rowProblems>["rows"] }) {
  const wrong = [...new Set(problems.map((problem) => problem.row))];
  const shown = wrong.length > 0 ? wrong : [...sheet.rows.keys()].slice(0, ROWS_SHOWN);
  return (
    <TableBox label="Rows">
      <thead>
        <tr>
          <th scope="col">Row</th>
          {sheet.head.map((name, index) => (
            <th key={index} scope="col">
              {name}
            </th>
          ))}
          {wrong.length > 0 && <th scope="col">What is wrong</th>}
        </tr>
      </thead>
      <tbody>
        {shown.map((row) => (
          <tr key={row}>
            <th scope="row">{row + 1}</th>
            {sheet.head.map((_, column) => (
              <td
                key={column}
                className={problems.some((each) => each.row === row && each.column === column) ? "wrong" : undefined}
              >
                {sheet.rows[row]?.[column] ?? ""}
              </td>
            ))}
            {wrong.length > 0 && (
              <td className="refusal">
                {problems
                  .filter((each) => each.row === row)
                  .map((each) => `${each.column === -1 ? "" : `${sheet.head[each.column] ?? ""} `}${each.detail}`)
                  .join("; ")}
              </td>
            )}
          </tr>
        ))}
      </tbody>
    </TableBox>
  );
}

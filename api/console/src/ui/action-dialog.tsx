// The dialog of an action: form, effect, confirmation.
import { useQueryClient } from "@tanstack/react-query";
import { useRef, useState, type FormEvent } from "react";
import { send, type Ask } from "../api/change";
import { problemOf, type Problem } from "../api/problem";
import type { Action } from "./action";
import { CopyAs } from "./copy-as";
import { Dialog } from "./dialog";
import { Effect } from "./effect";
import { bodyOf, initialValues, isComplete, refusalsOf, type Field, type Refusals, type Values } from "./fields";
import { FormField, FormFields } from "./form";
import { ProblemBox } from "./problem-box";
import { usePreview, type Preview } from "./preview";

interface ActionDialogProps<T> {
  action: Action<T>;
  onClose: () => void;
}

export function ActionDialog<T>({ action, onClose }: ActionDialogProps<T>) {
  const [answer, setAnswer] = useState<T | null>(null);
  const shown = answer === null ? null : (action.result?.(answer) ?? null);
  return (
    <Dialog title={action.title} onClose={onClose} className="action">
      {(close) =>
        shown === null ? (
          <ActionForm
            action={action}
            close={close}
            onAnswer={(got) => (action.result === undefined ? close() : setAnswer(got))}
          />
        ) : (
          <>
            {shown}
            <div className="dialog-end">
              <button type="button" className="primary" autoFocus onClick={close}>
                Close
              </button>
            </div>
          </>
        )
      }
    </Dialog>
  );
}

interface ActionFormProps<T> {
  action: Action<T>;
  close: () => void;
  onAnswer: (answer: T) => void;
}

const NO_FIELDS: readonly Field[] = [];

function ActionForm<T>({ action, close, onAnswer }: ActionFormProps<T>) {
  const fields = action.fields ?? NO_FIELDS;
  const [values, setValues] = useState<Values>(() => initialValues(fields));
  const [left, setLeft] = useState<ReadonlySet<string>>(new Set());
  const [typed, setTyped] = useState("");
  const ask = useAsk(action, values);
  const preview = usePreview<T>(ask, action.previews !== false && isComplete(fields, values));
  const sending = useSending<T>(ask, action, onAnswer);
  // What the preview has against a field shows once the field was left; what sending has, at once.
  const early = refusalsOf(preview.problem, fields);
  const late = refusalsOf(sending.problem, fields);
  const refusals = { ...pick(early.at, left), ...late.at };
  const unconfirmed = action.confirm !== undefined && typed.trim() !== action.confirm;

  function submit(event: FormEvent<HTMLFormElement>): void {
    event.preventDefault();
    setLeft(new Set(fields.map((field) => field.at)));
    if (!unconfirmed && isComplete(fields, values)) void sending.send();
  }

  return (
    <form noValidate onSubmit={submit}>
      {action.about !== undefined && <div className="about">{action.about}</div>}
      <FormFields
        fields={fields}
        values={values}
        refusals={{ ...missing(action, values, left), ...refusals }}
        onChange={(at, value) => {
          setValues((was) => ({ ...was, [at]: value }));
          sending.forget();
        }}
        onLeave={(at) => setLeft((was) => new Set([...was, at]))}
      />
      {action.previews !== false && (
        <Effect preview={preview} effect={action.effect} incomplete={!isComplete(fields, values)} />
      )}
      <Rest problem={sending.problem ?? unfielded(preview, early)} refusals={sending.problem === null ? early : late} />
      {action.confirm !== undefined && (
        <FormField
          field={{ at: "confirm", kind: "text", required: true, label: `Type ${action.confirm} to confirm` }}
          value={typed}
          refusal={undefined}
          onChange={setTyped}
        />
      )}
      <div className="dialog-end">
        <CopyAs ask={ask} />
        <button type="button" onClick={close}>
          {isOfSomething(action) ? "Keep it as it is" : "Cancel"}
        </button>
        <button
          type="submit"
          data-first={fields.length === 0 && action.confirm === undefined ? true : undefined}
          className={action.confirm === undefined ? "primary" : "primary danger"}
          disabled={sending.busy || unconfirmed}
        >
          {sending.busy ? "Working…" : action.verb}
        </button>
      </div>
    </form>
  );
}

function useAsk<T>({ ask, fields = [], fixed }: Action<T>, values: Values): Ask {
  const hasBody = fields.length > 0 || fixed !== undefined;
  return { ...ask, ...(hasBody && { body: bodyOf(fields, values, fixed) }) };
}

/** There is something already that is changed or ended; what is made anew is there only afterwards. */
function isOfSomething<T>({ ask: { method, params } }: Action<T>): boolean {
  return method !== "POST" || params !== undefined;
}

interface Sending {
  busy: boolean;
  problem: Problem | null;
  send: () => Promise<void>;
  forget: () => void;
}

function useSending<T>(ask: Ask, action: Action<T>, onAnswer: (answer: T) => void): Sending {
  const queries = useQueryClient();
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  // Sent again after a lost connection it is the same request; changed, it is another.
  const body = JSON.stringify(ask.body ?? null);
  const key = useRef({ body, idempotencyKey: crypto.randomUUID() });

  async function go(): Promise<void> {
    if (key.current.body !== body) key.current = { body, idempotencyKey: crypto.randomUUID() };
    setBusy(true);
    setProblem(null);
    try {
      const { data } = await send<T>(ask, { idempotencyKey: key.current.idempotencyKey });
      for (const key of action.touches) void queries.invalidateQueries({ queryKey: [key] });
      action.onDone?.(data);
      onAnswer(data);
    } catch (error) {
      setProblem(problemOf(error));
    } finally {
      setBusy(false);
    }
  }
  return { busy, problem, send: go, forget: () => setProblem(null) };
}

function pick(of: Readonly<Record<string, string>>, keys: ReadonlySet<string>): Record<string, string> {
  return Object.fromEntries(Object.entries(of).filter(([key]) => keys.has(key)));
}

function missing<T>({ fields = [] }: Action<T>, values: Values, left: ReadonlySet<string>): Record<string, string> {
  const lacking = fields.filter((field) => left.has(field.at) && !isComplete([field], values));
  return Object.fromEntries(lacking.map((field) => [field.at, "is required"]));
}

/** The preview's problem, where no field can show it: the action would be refused as a whole. That nothing was changed yet
 * is none. */
function unfielded<T>({ problem, unchanged }: Preview<T>, refusals: Refusals): Problem | null {
  return unchanged || Object.keys(refusals.at).length > 0 ? null : problem;
}

/** What of a problem is not shown at a field. */
function Rest({ problem, refusals }: { problem: Problem | null; refusals: Refusals }) {
  if (problem === null || (problem.errors.length > 0 && refusals.rest.length === 0)) return null;
  return <ProblemBox problem={{ ...problem, errors: refusals.rest }} />;
}

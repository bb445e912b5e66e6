// An action: a button that opens a dialog with its form, shows beforehand what would come of it, and does it.
import { useState, type ReactNode } from "react";
import type { Ask } from "../api/change";
import { ActionDialog } from "./action-dialog";
import type { Field } from "./fields";

export interface Action<T = unknown> {
  /** The dialog's title: "Cordon gpu-0001". */
  title: string;
  /** The button's text, here and in the dialog: "Cordon". */
  verb: string;
  /** What it does, in a sentence. */
  about?: ReactNode;
  ask: Omit<Ask, "body">;
  fields?: readonly Field[];
  /** What the body has beside the fields. */
  fixed?: Record<string, unknown>;
  /** The name that must be typed, where it destroys something. */
  confirm?: string;
  /** Why it cannot be done now. */
  refusal?: string | null | undefined;
  /** False: the API has no validate_only for it. */
  previews?: boolean;
  /** Shows the answer of validate_only, beside cost and warnings. */
  effect?: (preview: T) => ReactNode;
  /** The queries that are stale once it is done: first parts of their keys. */
  touches: readonly string[];
  /** Once done: what to show before the dialog closes (a secret, shown this once); null: it closes. */
  result?: (answer: T) => ReactNode;
  onDone?: (answer: T) => void;
}

interface ActionButtonProps<T> {
  action: Action<T>;
  className?: string;
}

/** A button that cannot be used now stays reachable and says why. */
export function ActionButton<T>({ action, className }: ActionButtonProps<T>) {
  const [open, setOpen] = useState(false);
  const refused = action.refusal ?? null;
  return (
    <>
      <button
        type="button"
        className={className}
        aria-disabled={refused !== null}
        title={refused ?? undefined}
        onClick={() => refused === null && setOpen(true)}
      >
        {action.verb}
        {refused !== null && <span className="hidden">: {refused}</span>}
      </button>
      {open && <ActionDialog action={action} onClose={() => setOpen(false)} />}
    </>
  );
}

// What an action would do, as the API says: what it costs, what to know of it, and what the action itself shows.
import type { ReactNode } from "react";
import { formatMicro, micro, type Money } from "../format/money";
import type { Preview } from "./preview";

interface Told {
  cost_delta?: Money | null;
  warnings?: readonly { code: string; detail: string }[];
}

interface EffectProps<T> {
  preview: Preview<T>;
  effect: ((preview: T) => ReactNode) | undefined;
  incomplete: boolean;
}

export function Effect<T>({ preview, effect, incomplete }: EffectProps<T>) {
  return (
    <section className="effect" aria-label="Effect" aria-live="polite" aria-busy={preview.asking}>
      <h3>What it would do</h3>
      {preview.data === null ? (
        <p className="fine">{unknown(preview, incomplete)}</p>
      ) : (
        <>
          <Consequences told={preview.data as Told} rest={effect === undefined} />
          {effect?.(preview.data)}
        </>
      )}
    </section>
  );
}

function unknown<T>({ asking, unchanged, problem }: Preview<T>, incomplete: boolean): string {
  if (incomplete) return "Shown once the form is filled in.";
  if (asking) return "Asking…";
  if (unchanged) return "Nothing: it is so already.";
  return problem === null ? "Nothing is known of it." : "It would be refused.";
}

/** rest: nobody else says what else it would do. */
function Consequences({ told, rest }: { told: Told; rest: boolean }) {
  const cost = told.cost_delta ?? null;
  const warnings = told.warnings ?? [];
  return (
    <>
      {cost !== null && <p>{costLine(cost)}</p>}
      {warnings.length > 0 && (
        <ul className="warnings">
          {warnings.map((warning) => (
            <li key={warning.code}>{warning.detail}</li>
          ))}
        </ul>
      )}
      {rest && cost === null && warnings.length === 0 && (
        <p className="fine">It would be accepted; nobody is affected.</p>
      )}
    </>
  );
}

function costLine(cost: Money): string {
  const value = micro(cost.amount);
  if (value === 0n) return "It costs nothing.";
  return value > 0n
    ? `It costs ${formatMicro(value, cost.currency)} more.`
    : `It costs ${formatMicro(-value, cost.currency)} less.`;
}

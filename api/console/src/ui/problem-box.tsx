// A problem document, shown: what, where, and what to quote to whoever can help.
import type { Problem } from "../api/problem";

/** The constraint that bound, in the planner's own sentence. */
function boundBy(problem: Problem): string | null {
  const binding = problem.more.binding as { message?: unknown } | null | undefined;
  return typeof binding?.message === "string" ? binding.message : null;
}

interface ProblemBoxProps {
  problem: Problem;
  retry?: (() => void) | undefined;
  /** It is being asked for again. */
  busy?: boolean;
  /** It is asked for again without anybody's doing. */
  again?: boolean;
}

export function ProblemBox({ problem, retry, busy = false, again = false }: ProblemBoxProps) {
  const bound = boundBy(problem);
  return (
    <div className="problem" role="alert">
      <p>
        <strong>{problem.title}</strong>
        {problem.detail !== null && problem.detail !== problem.title && <span> {problem.detail}</span>}
      </p>
      {bound !== null && <p>{bound}</p>}
      {problem.errors.length > 0 && (
        <ul>
          {problem.errors.map((error) => (
            <li key={`${error.pointer} ${error.code}`}>
              <code>{error.pointer}</code> {error.detail}
            </li>
          ))}
        </ul>
      )}
      <p className="fine">
        <code>{problem.code}</code>
        {problem.requestId !== null && <> · request {problem.requestId}</>}
        {again && problem.retryable && <> · asked for again by itself</>}
      </p>
      {retry !== undefined && (
        <button type="button" className="small" aria-disabled={busy} onClick={busy ? undefined : retry}>
          {busy ? "Trying…" : "Try again"}
        </button>
      )}
    </div>
  );
}

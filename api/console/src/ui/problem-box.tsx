// A problem document, shown: what, where, and what to quote to whoever can help.
import type { Problem } from "../api/problem";

/** The constraint that bound, in the planner's own sentence. */
function boundBy(problem: Problem): string | null {
  const binding = problem.more.binding as { message?: unknown } | null | undefined;
  return typeof binding?.message === "string" ? binding.message : null;
}

export function ProblemBox({ problem, retry }: { problem: Problem; retry?: () => void }) {
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
      </p>
      {retry !== undefined && (
        <button type="button" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}

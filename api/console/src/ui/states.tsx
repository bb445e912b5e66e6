// Loading is not empty, and empty says what would be here.
import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { problemOf } from "../api/problem";
import { ProblemBox } from "./problem-box";

export function Loading({ what }: { what: string }) {
  return (
    <p className="loading" role="status">
      Loading {what}…
    </p>
  );
}

export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="empty">
      <p>
        <strong>{title}</strong>
      </p>
      {children !== undefined && <p>{children}</p>}
    </div>
  );
}

/** Shows a query's data once it is there. Data that could not be refreshed stays, with the problem above it. */
export function Loaded<T>({
  query,
  what,
  children,
}: {
  query: UseQueryResult<T>;
  what: string;
  children: (data: T) => ReactNode;
}) {
  const problem = query.isError ? (
    <ProblemBox problem={problemOf(query.error)} retry={() => void query.refetch()} />
  ) : null;
  if (query.data === undefined) return problem ?? <Loading what={what} />;
  return (
    <>
      {problem}
      {children(query.data)}
    </>
  );
}

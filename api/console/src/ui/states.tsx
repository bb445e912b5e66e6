// Loading is not empty, and empty says what would be here.
import { useQueryClient, type UseQueryResult } from "@tanstack/react-query";
import { useRef, type ReactNode } from "react";
import { problemOf, type Problem } from "../api/problem";
import { Heading } from "./heading";
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

/** What is wrong with a query: it stays while it is asked again, and who listens is not told the same twice. */
function useTold(query: UseQueryResult<unknown>): Problem | null {
  const told = useRef<Problem | null>(null);
  if (query.isError) {
    const now = problemOf(query.error);
    if (told.current?.code !== now.code || told.current.detail !== now.detail) told.current = now;
  } else if (query.data !== undefined || query.errorUpdateCount === 0) told.current = null;
  return told.current;
}

interface LoadedProps<T> {
  query: UseQueryResult<T>;
  what: string;
  /** The page's heading, where the data has it: it has this one until then. */
  heading?: string;
  children: (data: T) => ReactNode;
}

/** Shows a query's data once it is there. Data that could not be refreshed stays, with the problem above it. */
export function Loaded<T>({ query, what, heading, children }: LoadedProps<T>) {
  const queries = useQueryClient();
  // What made one fail made the others on the page fail: one press asks for all of them.
  const retry = (): void =>
    void queries.refetchQueries({ type: "active", predicate: ({ state }) => state.status === "error" });
  const told = useTold(query);
  const problem = told && <ProblemBox problem={told} retry={retry} busy={query.isFetching} again />;
  if (query.data === undefined)
    return (
      <>
        {heading !== undefined && <Heading title={heading} />}
        {problem ?? <Loading what={what} />}
      </>
    );
  return (
    <>
      {problem}
      {children(query.data)}
    </>
  );
}

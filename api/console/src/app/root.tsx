// The root of all routes: the shell, and what is shown where no page is.
import { createRootRoute, Link } from "@tanstack/react-router";
import { Heading } from "../ui/heading";
import { Shell } from "./shell";

export const root = createRootRoute({ component: Shell, notFoundComponent: Lost });

function Lost() {
  return (
    <>
      <Heading title="Nothing here" />
      <p className="lead">
        This address belongs to no page. <Link to="/">Go to the start.</Link>
      </p>
    </>
  );
}

/** A text of the address, or undefined: what is empty is not set. */
export function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** A value of the address that must be one of these. */
export function oneOf<T extends string>(values: readonly T[], value: unknown): T | undefined {
  return values.find((each) => each === value);
}

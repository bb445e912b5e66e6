// The root of all routes: the shell, and what is shown where no page is.
import { createRootRoute, Link } from "@tanstack/react-router";
import { Heading } from "../ui/heading";
import { Shell } from "./shell";

export const root = createRootRoute({ component: Shell, notFoundComponent: Lost });

function Lost() {
  return (
    <>
      <Heading title="Nothing here" />
      <p className="lead">This address belongs to no page, or what it named is gone.</p>
      <p>
        <Link to="/">Go to the start</Link>
      </p>
    </>
  );
}

export { oneOf, textOf } from "./search";

// Does it pay? By day, by whatever one asks, by cohort and by price.
import { Link, useSearch } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { Heading } from "../ui/heading";
import "../ui/tabs.css";
import { BookValues } from "./book-value";
import { BreakEven } from "./break-even";
import { ByDay } from "./by-day";
import { VIEW_NAMES, VIEWS, type View } from "./choices";
import { Margins } from "./margins";
import { PaybackView } from "./payback";
import { PriceFloor } from "./price-floor";
import "./economics.css";

const BODIES: Readonly<Record<View, () => ReactNode>> = {
  days: () => <ByDay />,
  margin: () => <Margins />,
  payback: () => <PaybackView />,
  floor: () => <PriceFloor />,
  week: () => <BreakEven />,
  value: () => <BookValues />,
};

export function EconomicsPage() {
  const { view = "days", days } = useSearch({ from: "/economics" });
  return (
    <>
      <Heading title="Economics" />
      <nav className="tabs" aria-label="Economics">
        {VIEWS.map((each) => (
          <Link
            key={each}
            to="/economics"
            search={{ view: each, days }}
            aria-current={each === view ? "page" : undefined}
          >
            {VIEW_NAMES[each]}
          </Link>
        ))}
      </nav>
      {BODIES[view]()}
    </>
  );
}

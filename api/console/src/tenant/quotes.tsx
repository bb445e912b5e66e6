// Quotes: what is held, at which price, for how long still; taken up or let go.
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useMemo } from "react";
import { useObject, useWhole, type ItemOf } from "../api/lists";
import type { Me, Reservation } from "../api/model";
import { usePrincipal } from "../app/principal";
import { formatMoney } from "../format/money";
import { countOf, formatInstant, formatSpan } from "../format/text";
import { zoneName } from "../format/zone";
import { toneOf } from "../reservations/states";
import { ActionButton, type Action } from "../ui/action";
import { Fact, Facts } from "../ui/facts";
import { Heading } from "../ui/heading";
import { StateChip } from "../ui/state-chip";
import { Loaded } from "../ui/states";
import type { Column } from "../ui/table";
import { useDomainNow } from "./clock";
import { refusalUnless, WRITERS } from "./may";
import { ResourceList } from "./resource";
import "./tenant.css";

type Quote = ItemOf<"/v1/quotes">;

const LIST = { path: "/v1/quotes" } as const;

export function QuotesPage() {
  const { quote } = useSearch({ from: "/quotes" });
  const quotes = useWhole("quotes", LIST);
  const now = useDomainNow();
  const columns = useMemo(() => columnsAt(now), [now]);
  const newest = useMemo(
    () =>
      quotes.data === undefined
        ? quotes
        : { ...quotes, data: { ...quotes.data, items: quotes.data.items.toReversed() } },
    [quotes],
  ) as typeof quotes;
  return (
    <>
      <Heading title="Quotes">
        <Link to="/reserve" className="button">
          Ask for one
        </Link>
      </Heading>
      {quote !== undefined && <QuotePanel id={quote} now={now} />}
      <ResourceList
        title="Quotes"
        noun="quotes"
        query={newest}
        list={LIST}
        columns={columns}
        rowKey={(row) => row.id}
        selected={quote}
        empty="A quote holds instances at a price while you decide: the last step of Reserve makes one."
      />
    </>
  );
}

/** Seconds that a quote is still held; 0: it is over. */
function secondsLeft(quote: Pick<Quote, "status" | "hold_until">, now: number): number {
  return quote.status.state === "held" ? Math.max(0, (Date.parse(quote.hold_until) - now) / 1000) : 0;
}

function columnsAt(now: number): readonly Column<Quote>[] {
  return [
    {
      key: "name",
      title: "Quote",
      sort: (row) => row.name ?? row.id,
      render: (row) => (
        <Link to="/quotes" search={{ quote: row.id }}>
          {row.name ?? row.id}
        </Link>
      ),
    },
    {
      key: "state",
      title: "State",
      sort: (row) => row.status.state,
      render: (row) => <StateChip state={row.status.state} tone={toneOf(row.status.state)} />,
    },
    { key: "what", title: "What", render: (row) => `${row.count} × ${row.instance_type ?? "shape"} in ${row.zone}` },
    {
      key: "starts",
      title: `Starts (${zoneName()})`,
      align: "end",
      sort: (row) => row.status.starts_at,
      render: (row) => formatInstant(row.status.starts_at),
    },
    {
      key: "ends",
      title: `Ends (${zoneName()})`,
      align: "end",
      sort: (row) => row.status.ends_at,
      render: (row) => formatInstant(row.status.ends_at),
    },
    {
      key: "left",
      title: "Held for",
      align: "end",
      sort: (row) => secondsLeft(row, now),
      render: (row) => (secondsLeft(row, now) > 0 ? formatSpan(secondsLeft(row, now)) : "\u2013"),
    },
  ];
}

function QuotePanel({ id, now }: { id: string; now: number }) {
  const me = usePrincipal();
  const navigate = useNavigate();
  const quote = useObject("quotes", { path: "/v1/quotes/{id}", params: { id } });
  return (
    <section className="panel" aria-label="Quote">
      <Loaded query={quote} what="the quote">
        {(data) => (
          <>
            <div className="section-top">
              <h2>{data.name ?? data.id}</h2>
              <StateChip state={data.status.state} tone={toneOf(data.status.state)} />
              <span className="actions section-end">
                <ActionButton action={letGo(data, me, now, () => navigate({ to: "/quotes", search: {} }))} />
                <ActionButton
                  className="primary"
                  action={takeUp(data, me, now, (made) =>
                    navigate({ to: "/reservations/$id", params: { id: made.id } }),
                  )}
                />
              </span>
            </div>
            <QuoteFacts quote={data} now={now} />
          </>
        )}
      </Loaded>
    </section>
  );
}

function QuoteFacts({ quote, now }: { quote: Quote; now: number }) {
  const left = secondsLeft(quote, now);
  const { price, status } = quote;
  return (
    <Facts>
      <Fact name="What">
        {countOf(quote.count, "instance")} of {quote.instance_type ?? "an own shape"} in {quote.zone}
      </Fact>
      <Fact name="Window">
        {formatInstant(status.starts_at)} to{" "}
        {status.ends_at === null ? "when cancelled" : formatInstant(status.ends_at)} {zoneName()}
      </Fact>
      <Fact name="Price">
        {price?.estimate == null ? "not known" : `${formatMoney(price.estimate)} before tax`}
        {price?.hourly != null && `, ${formatMoney(price.hourly)} an hour`}
      </Fact>
      <Fact name="Held">
        {left > 0 ? (
          <span role="timer">{formatSpan(left)} still</span>
        ) : quote.reservation !== null ? (
          <Link to="/reservations/$id" params={{ id: quote.reservation }}>
            taken up
          </Link>
        ) : (
          "no longer"
        )}
      </Fact>
    </Facts>
  );
}

const TOUCHES = ["quotes", "reservations", "availability", "quotas"] as const;

function refusalOf(quote: Quote, me: Me, now: number): string | null {
  return secondsLeft(quote, now) > 0 ? refusalUnless(me, WRITERS) : "it holds nothing any more";
}

function takeUp(quote: Quote, me: Me, now: number, onDone: (made: Reservation) => void): Action<Reservation> {
  return {
    title: "Take the quote up",
    verb: "Reserve it",
    about: "What it holds becomes a reservation, at its price.",
    ask: { method: "POST", path: "/v1/reservations" },
    fixed: { quote: quote.id },
    touches: TOUCHES,
    refusal: refusalOf(quote, me, now),
    onDone,
  };
}

function letGo(quote: Quote, me: Me, now: number, onDone: () => void): Action {
  return {
    title: "Let the quote go",
    verb: "Let go",
    about: "What it holds is free for others at once. It costs nothing.",
    ask: { method: "DELETE", path: "/v1/quotes/{id}", params: { id: quote.id } },
    touches: TOUCHES,
    refusal: refusalOf(quote, me, now),
    onDone,
  };
}

// What else could be had, as cards: the earliest, longer, cheaper, smaller, looser.
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { send, type Ask } from "../api/change";
import { usePrincipal } from "../app/principal";
import { formatMoney, type Money } from "../format/money";
import { countOf, formatInstant, formatSpan, words } from "../format/text";
import { zoneName } from "../format/zone";
import { Empty, Loaded } from "../ui/states";
import type { Confirm } from "./confirm";
import { offeredBody, searchBodyOf, type Body, type Draft } from "./draft";
import { ConfirmButton } from "./price-step";

interface Offer {
  kind: "earliest" | "longer" | "cheaper" | "smaller" | "looser";
  starts_at: string;
  ends_at: string;
  count: number;
  placement: { within: string; mode: string };
  tier: string;
  price: { hourly: Money | null; estimate: Money | null } | null;
  reservation: Body;
}

interface OffersProps {
  draft: Draft;
  confirm: Confirm;
  may: boolean;
}

export function Offers({ draft, confirm, may }: OffersProps) {
  const me = usePrincipal();
  const body = useMemo(() => searchBodyOf(draft, me.domain_time), [draft, me.domain_time]);
  const ask: Ask = { method: "POST", path: "/v1/offers", body };
  const offers = useQuery({
    queryKey: ["wish", "offers", JSON.stringify(body)],
    queryFn: () => send<{ items: Offer[] }>(ask).then(({ data }) => data.items),
    enabled: body !== null,
  });
  if (body === null) return null;
  return (
    <section aria-labelledby="offers-title">
      <h3 id="offers-title">Offers</h3>
      <Loaded query={offers} what="offers">
        {(items) =>
          items.length === 0 ? (
            <Empty title="Nothing like it fits within two weeks of then" />
          ) : (
            <ul className="cards offers">
              {items.map((offer, index) => (
                <OfferCard
                  key={index}
                  offer={offer}
                  body={offeredBody(offer.reservation, draft, me.domain_time)}
                  confirm={confirm}
                  may={may}
                />
              ))}
            </ul>
          )
        }
      </Loaded>
    </section>
  );
}

function placeOf({ placement, tier }: Offer): string {
  const place = placement.within === "zone" ? "anywhere in the zone" : `within one ${words(placement.within)}`;
  return `${words(tier)}, ${place}`;
}

interface OfferCardProps {
  offer: Offer;
  body: Body;
  confirm: Confirm;
  may: boolean;
}

function OfferCard({ offer, body, confirm, may }: OfferCardProps) {
  const refusal = may ? null : "your role reserves nothing";
  const lasts = (Date.parse(offer.ends_at) - Date.parse(offer.starts_at)) / 1000;
  return (
    <li className="card">
      <b>{words(offer.kind)}</b>
      <span>
        {countOf(offer.count, "instance")} for {formatSpan(lasts)}
      </span>
      <span>
        {formatInstant(offer.starts_at)} {zoneName(offer.starts_at)}
      </span>
      <small>{placeOf(offer)}</small>
      <strong>{offer.price?.estimate == null ? "price not known" : formatMoney(offer.price.estimate)}</strong>
      {offer.price?.hourly != null && <small>{formatMoney(offer.price.hourly)} an hour</small>}
      <span className="actions">
        <ConfirmButton text="Hold" refusal={refusal} busy={confirm.busy} onClick={() => void confirm.quote(body)} />
        <ConfirmButton
          text="Reserve"
          primary
          refusal={refusal}
          busy={confirm.busy}
          onClick={() => void confirm.reserve(body)}
        />
      </span>
    </li>
  );
}

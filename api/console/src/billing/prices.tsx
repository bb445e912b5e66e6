// Prices: what each thing costs by the hour, and when it did and will: versions on a time line.
import { useMemo } from "react";
import { useWhole, type ItemOf } from "../api/lists";
import type { Me } from "../api/model";
import { usePrincipal } from "../app/principal";
import { formatRate } from "../format/money";
import { countOf, formatInstant, words } from "../format/text";
import { ActionButton, type Action } from "../ui/action";
import { ListTools } from "../ui/list-tools";
import { SearchBox } from "../ui/search-box";
import { StateChip, type Tone } from "../ui/state-chip";
import { Empty, Loaded } from "../ui/states";
import { TableBox } from "../ui/table-box";
import { TenantFilter } from "./filters";
import { groupPrices, lineOf, type PriceGroup, type Stretch } from "./price-lines";
import { moneyFields, refusalFor, SKU_KINDS, TIERS, useBilling } from "./shared";

type Price = ItemOf<"/v1/system/prices">;

export function Prices() {
  const me = usePrincipal();
  const address = useBilling();
  const { tenant } = address.search;
  const query = { tenant };
  const prices = useWhole("terms", { path: "/v1/system/prices", query }, { filters: ["tenant"] });
  return (
    <>
      <div className="section-top">
        <TenantFilter />
        <SearchBox
          label="Find price"
          value={address.find ?? ""}
          onChange={(find) => address.set({ find: find || undefined })}
        />
        <ListTools list={{ path: "/v1/system/prices", query }} name="prices" />
        <ActionButton action={versionAction(me, undefined, tenant)} className="primary push" />
      </div>
      <Loaded query={prices} what="prices">
        {({ items }) => <Groups prices={items} me={me} find={address.find ?? ""} />}
      </Loaded>
    </>
  );
}

function nameOf({ versions: [first] }: PriceGroup<Price>): string {
  if (first === undefined) return "";
  const whose =
    first.tenant === null ? "list price" : first.project === null ? first.tenant : `${first.tenant}/${first.project}`;
  return `${first.sku}, ${words(first.tier)}: ${whose}`;
}

function Groups({ prices, me, find }: { prices: readonly Price[]; me: Me; find: string }) {
  const groups = useMemo(() => groupPrices(prices), [prices]);
  const shown = groups.filter((group) => nameOf(group).toLowerCase().includes(find.toLowerCase()));
  if (prices.length === 0)
    return <Empty title="No price">Without a price nothing can be quoted, and usage waits unrated.</Empty>;
  if (shown.length === 0) return <Empty title="No price matches" />;
  return (
    <>
      <p className="fine" role="status">
        {countOf(shown.length, "price")} in{" "}
        {countOf(
          shown.reduce((sum, group) => sum + group.versions.length, 0),
          "version",
        )}
      </p>
      <div className="price-groups">
        {shown.map((group) => (
          <Group key={group.key} group={group} me={me} />
        ))}
      </div>
    </>
  );
}

const KIND_TONES: Readonly<Record<Stretch["kind"], Tone>> = {
  now: "good",
  later: "busy",
  past: "done",
  withdrawn: "bad",
};
const KIND_WORDS: Readonly<Record<Stretch["kind"], string>> = {
  now: "holds",
  later: "to come",
  past: "ended",
  withdrawn: "withdrawn",
};

function Group({ group, me }: { group: PriceGroup<Price>; me: Me }) {
  const line = useMemo(() => lineOf(group.versions, me.domain_time), [group, me.domain_time]);
  const name = nameOf(group);
  return (
    <section className="panel price-group" aria-label={name}>
      <div className="section-top">
        <h3>{name}</h3>
        <span className="push">
          <ActionButton action={versionAction(me, group.versions.at(-1))} className="small" />
        </span>
      </div>
      {group.versions.length > 1 && (
        <svg className="timeline" viewBox="0 0 1000 26" preserveAspectRatio="none" aria-hidden="true">
          {line.stretches.map((stretch) => (
            <rect
              key={stretch.id}
              className={stretch.kind}
              x={stretch.from * 1000 + 1}
              y={stretch.kind === "withdrawn" ? 19 : 4}
              width={Math.max(2, (stretch.to - stretch.from) * 1000 - 2)}
              height={stretch.kind === "withdrawn" ? 4 : 14}
            />
          ))}
          <rect className="today" x={line.now * 1000} y="0" width="1.5" height="26" />
        </svg>
      )}
      <TableBox label={`Versions of ${name}`}>
        <thead>
          <tr>
            <th scope="col">State</th>
            <th scope="col" className="end">
              {group.versions[0]?.sku_kind === "meter" ? "Unit" : "GPU-hour"}
            </th>
            <th scope="col">Model</th>
            <th scope="col">From</th>
            <th scope="col">Until</th>
            <th scope="col">
              <span className="hidden">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {group.versions.map((price, index) => (
            <tr key={price.id}>
              <td>
                <StateChip
                  state={KIND_WORDS[line.stretches[index]?.kind ?? "past"]}
                  tone={KIND_TONES[line.stretches[index]?.kind ?? "past"]}
                />
              </td>
              <td className="end">
                <b>{formatRate(price.gpu_hour)}</b>
              </td>
              <td>{modelOf(price)}</td>
              <td>{price.valid_from === null ? "always" : formatInstant(price.valid_from)}</td>
              <td>{price.valid_until === null ? "open" : formatInstant(price.valid_until)}</td>
              <td className="end">
                {price.valid_until === null && price.withdrawn_at === null && (
                  <ActionButton action={endAction(me, price)} className="quiet small" />
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </TableBox>
    </section>
  );
}

function modelOf(price: Price): string {
  const parts: string[] = [price.model];
  if (price.tiers !== null) parts.push(`${price.tiers.length} steps`);
  if (price.package_gpu_hours !== null) parts.push(`of ${price.package_gpu_hours} GPU-hours`);
  if (price.windows !== null) parts.push(countOf(price.windows.length, "window"));
  if (price.minimum_s > 0) parts.push(`at least ${price.minimum_s} s`);
  return parts.join(", ");
}

/** A version that takes the place of `last` of the same thing, or of a thing that has none yet. */
function versionAction(me: Me, last: Price | undefined, tenant?: string): Action<Price> {
  return {
    title: last === undefined ? "Add a price" : `A price of ${last.sku}`,
    verb: last === undefined ? "Add a price" : "Add a version",
    about: "The version that is open ends when this one begins. What was rated before stays as it is.",
    ask: { method: "POST", path: "/v1/system/prices" },
    fields: [
      {
        at: "/sku_kind",
        label: "Of a",
        kind: "choice",
        required: true,
        options: [...SKU_KINDS, { value: "meter", label: "meter" }],
        initial: last?.sku_kind ?? "instance_type",
      },
      { at: "/sku", label: "Name", kind: "text", required: true, initial: last?.sku ?? "" },
      {
        at: "/tier",
        label: "Tier",
        kind: "choice",
        required: true,
        options: [...TIERS, { value: "any", label: "any (of a meter)" }],
        initial: last?.tier ?? "reserved",
      },
      { at: "/tenant", label: "Only for the tenant", kind: "text", initial: last?.tenant ?? tenant ?? "" },
      { at: "/project", label: "Only for its project", kind: "text", initial: last?.project ?? "" },
      ...moneyFields("/gpu_hour", "Price of a GPU-hour, or of a meter's unit", {
        note: "With six decimals: 2.490000",
        currency: last?.gpu_hour.currency ?? "USD",
      }),
      { at: "/valid_from", label: "From", kind: "instant", note: "Left out: from now on." },
    ],
    refusal: refusalFor(me),
    effect: (would) => (
      <p>
        {formatRate(would.gpu_hour)} {would.sku_kind === "meter" ? "a unit" : "a GPU-hour"} from{" "}
        {formatInstant(would.valid_from)} on.
      </p>
    ),
    touches: ["terms", "margin"],
  };
}

function endAction(me: Me, price: Price): Action<Price> {
  return {
    title: `End the price of ${price.sku}`,
    verb: "End",
    about: "Without another version nothing of it can be quoted from then on, and its usage waits unrated.",
    ask: { method: "POST", path: "/v1/system/prices/{id}/end", params: { id: price.id } },
    fields: [{ at: "/valid_until", label: "Until", kind: "instant", note: "Left out: now." }],
    confirm: price.sku,
    refusal: refusalFor(me),
    touches: ["terms", "margin"],
  };
}

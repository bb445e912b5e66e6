// Does it pay? Revenue against amortization, idle by cause, margin by tenant. A tenant sees its invoices here.
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useMemo, type ReactNode } from "react";
import { isProvider, type Margin } from "../api/model";
import { useInvoices, useMargin } from "../api/queries";
import { usePrincipal } from "../app/principal";
import { DAYS } from "../app/ranges";
import { formatMoney, formatShare, formatShort, micro } from "../format/money";
import { countOf, dayOf, formatDate, formatCount, words } from "../format/text";
import { Heading } from "../ui/heading";
import { Empty, Loaded } from "../ui/states";
import { Stat, Stats } from "../ui/stats";
import { DayChart } from "./chart";
import { daysOf, fraction } from "./series";
import "./economics.css";

const DAYS_DEFAULT = 30;
const HOUR_S = 3600;

export function EconomicsPage() {
  return isProvider(usePrincipal()) ? <ProviderEconomics /> : <TenantEconomics />;
}

function ProviderEconomics() {
  const me = usePrincipal();
  const days = useSearch({ from: "/economics" }).days ?? DAYS_DEFAULT;
  const navigate = useNavigate({ from: "/economics" });
  // Up to, and without, today: a day is closed at its end.
  const to = dayOf(me.domain_time);
  const from = dayOf(me.domain_time, -days);
  const byDay = useMargin("day", from, to);
  const byTenant = useMargin("tenant", from, to);

  return (
    <>
      <Heading title="Economics" />
      <div className="section-top">
        <div className="filter" role="group" aria-label="Range">
          {DAYS.map((each) => (
            <button
              key={each}
              type="button"
              aria-pressed={days === each}
              onClick={() => void navigate({ search: { days: each } })}
            >
              {each} days
            </button>
          ))}
        </div>
        <span className="fine">
          {formatDate(from)} to {formatDate(dayOf(me.domain_time, -1))}, closed days, UTC
        </span>
      </div>
      <Loaded query={byDay} what="revenue and amortization">
        {(margin) => (margin.items.length === 0 ? <NothingClosed /> : <ByDay margin={margin} />)}
      </Loaded>
      <Loaded query={byTenant} what="margins by tenant">
        {(margin) => margin.items.length > 0 && <ByTenant margin={margin} />}
      </Loaded>
    </>
  );
}

function NothingClosed() {
  return (
    <Empty title="No closed day in this range">
      Billing closes a day at midnight UTC of the fleet’s time. Revenue and amortization of it appear here then.
    </Empty>
  );
}

function ByDay({ margin }: { margin: Margin }) {
  const { revenue, amortization, margin: earned } = margin.totals;
  const currency = revenue.currency;
  const days = useMemo(() => daysOf(margin.items), [margin.items]);
  return (
    <>
      <Stats>
        <Stat name="Revenue" value={formatShort(micro(revenue.amount), currency)} note={formatMoney(revenue)} />
        <Stat
          name="Amortization"
          value={formatShort(micro(amortization.amount), currency)}
          note={formatMoney(amortization)}
        />
        <Stat
          name="Margin"
          value={formatShort(micro(earned.amount), currency)}
          note={`${formatShare(micro(earned.amount), micro(revenue.amount))} of revenue`}
          alarming={micro(earned.amount) < 0n}
        />
        <Stat
          name="Idle"
          value={formatShort(idleOf(margin), currency)}
          note={`${formatShare(idleOf(margin), micro(amortization.amount))} of amortization`}
        />
      </Stats>
      <section className="panel" aria-labelledby="by-day-title">
        <h2 id="by-day-title">Revenue against amortization by day</h2>
        <DayChart days={days} currency={currency} />
        <details>
          <summary>The same as a table</summary>
          <MarginTable
            caption="Revenue against amortization by day"
            first="Day"
            items={margin.items}
            name={formatDate}
          />
        </details>
      </section>
      <Idle margin={margin} />
    </>
  );
}

function idleOf(margin: Margin): bigint {
  return margin.idle.reduce((sum, { amount }) => sum + micro(amount.amount), 0n);
}

function Idle({ margin }: { margin: Margin }) {
  const causes = margin.idle
    .map((idle) => ({ ...idle, value: micro(idle.amount.amount) }))
    .sort((a, b) => (a.value > b.value ? -1 : a.value < b.value ? 1 : 0));
  const most = causes[0]?.value ?? 0n;
  return (
    <section className="panel" aria-labelledby="idle-title">
      <h2 id="idle-title">Idle, by cause</h2>
      {causes.length === 0 ? (
        <Empty title="Nothing was idle" />
      ) : (
        <TableBox label="Idle by cause">
          <thead>
            <tr>
              <th scope="col">Cause</th>
              <th scope="col" className="wide">
                <span className="hidden">Share</span>
              </th>
              <th scope="col" className="end">
                GPU-hours
              </th>
              <th scope="col" className="end">
                Amortization
              </th>
            </tr>
          </thead>
          <tbody>
            {causes.map((idle) => (
              <tr key={idle.cause}>
                <th scope="row">{words(idle.cause)}</th>
                <td className="wide">
                  <Bar share={fraction(idle.value, most)} />
                </td>
                <td className="end">{formatCount(Math.round(idle.gpu_seconds / HOUR_S))}</td>
                <td className="end">{formatMoney(idle.amount)}</td>
              </tr>
            ))}
          </tbody>
        </TableBox>
      )}
    </section>
  );
}

function Bar({ share }: { share: number }) {
  return (
    <svg className="bar" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
      <rect className="bar-all" width="100" height="6" />
      <rect className="bar-part" width={Math.max(share > 0 ? 0.5 : 0, share * 100)} height="6" />
    </svg>
  );
}

function ByTenant({ margin }: { margin: Margin }) {
  return (
    <section className="panel" aria-labelledby="by-tenant-title">
      <h2 id="by-tenant-title">Margin by tenant</h2>
      <MarginTable caption="Margin by tenant" first="Tenant" items={margin.items} name={(key) => key} />
    </section>
  );
}

interface MarginTableProps {
  caption: string;
  first: string;
  items: Margin["items"];
  name: (key: string) => string;
}

function MarginTable({ caption, first, items, name }: MarginTableProps) {
  return (
    <TableBox label={caption}>
      <thead>
        <tr>
          <th scope="col">{first}</th>
          {["GPU-hours billed", "Revenue", "Amortization", "Margin", "Of revenue"].map((title) => (
            <th key={title} scope="col" className="end">
              {title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {items.map((item) => {
          const loses = micro(item.margin.amount) < 0n;
          return (
            <tr key={item.key}>
              <th scope="row">{name(item.key)}</th>
              <td className="end">{formatCount(Math.round(item.gpu_seconds_billed / HOUR_S))}</td>
              <td className="end">{formatMoney(item.revenue)}</td>
              <td className="end">{formatMoney(item.amortization)}</td>
              <td className={loses ? "end loss" : "end"}>{formatMoney(item.margin)}</td>
              <td className={loses ? "end loss" : "end"}>
                {formatShare(micro(item.margin.amount), micro(item.revenue.amount))}
              </td>
            </tr>
          );
        })}
      </tbody>
    </TableBox>
  );
}

function TableBox({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div className="table-box" tabIndex={0} role="group" aria-label={label}>
      <table>{children}</table>
    </div>
  );
}

function TenantEconomics() {
  const me = usePrincipal();
  const invoices = useInvoices();
  return (
    <>
      <Heading title="Economics" />
      <p className="lead">Invoices of {me.tenant}.</p>
      <Loaded query={invoices} what="invoices">
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="No invoice yet">A month is invoiced when it has ended.</Empty>
          ) : (
            <section className="panel" aria-label="Invoices">
              <p className="fine">{countOf(items.length, "invoice")}</p>
              <TableBox label="Invoices">
                <thead>
                  <tr>
                    <th scope="col">Number</th>
                    <th scope="col">Period (UTC)</th>
                    <th scope="col">Issued</th>
                    <th scope="col" className="end">
                      Net
                    </th>
                    <th scope="col" className="end">
                      Tax
                    </th>
                    <th scope="col" className="end">
                      Total
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {items.map((invoice) => (
                    <tr key={invoice.id}>
                      <th scope="row">{invoice.number ?? invoice.status}</th>
                      <td>
                        {formatDate(invoice.period_start)} to {formatDate(invoice.period_end)}
                      </td>
                      <td>{invoice.issued_at === null ? "not issued" : formatDate(invoice.issued_at)}</td>
                      <td className="end">{formatMoney(invoice.net)}</td>
                      <td className="end">{formatMoney(invoice.tax)}</td>
                      <td className="end">
                        <b>{formatMoney(invoice.total)}</b>
                      </td>
                    </tr>
                  ))}
                </tbody>
              </TableBox>
            </section>
          )
        }
      </Loaded>
    </>
  );
}

// One invoice: its sums, its lines, and how a line comes to what it is.
import { Link, useParams, useSearch } from "@tanstack/react-router";
import { useObject, useWhole, type ItemOf } from "../api/lists";
import { reservationColumn } from "../billing/line-column";
import { formatMoney } from "../format/money";
import { countOf, formatInstant, formatLineQuantity, words } from "../format/text";
import { zoneName } from "../format/zone";
import { Fact, Facts } from "../ui/facts";
import { Heading } from "../ui/heading";
import { moneyColumn } from "../ui/money-column";
import { Loaded } from "../ui/states";
import type { Column } from "../ui/table";
import { InvoiceState, monthOf } from "./invoices";
import { ResourceList } from "./resource";
import "./tenant.css";

type Line = ItemOf<"/v1/invoices/{id}/lines">;

export function InvoicePage() {
  const { id } = useParams({ from: "/invoices/$id" });
  const { line } = useSearch({ from: "/invoices/$id" });
  const invoice = useObject("invoices", { path: "/v1/invoices/{id}", params: { id } });
  const list = { path: "/v1/invoices/{id}/lines" as const, params: { id } };
  const lines = useWhole("invoices", list);
  return (
    <>
      <p className="crumb">
        <Link to="/invoices">Invoices</Link>
      </p>
      <Heading
        title={
          invoice.data === undefined
            ? "Invoice"
            : (invoice.data.number ?? `Draft of ${monthOf(invoice.data.period_start)}`)
        }
      >
        <a className="button" href={`/v1/invoices/${id}/pdf`} download>
          PDF
        </a>
      </Heading>
      <Loaded query={invoice} what="the invoice">
        {(data) => (
          <section className="panel" aria-label="Sums">
            <InvoiceState invoice={data} />
            <Facts>
              <Fact name="Period">
                {formatInstant(data.period_start)} to {formatInstant(data.period_end)} {zoneName(data.period_start)}
              </Fact>
              <Fact name="Net">{formatMoney(data.net)}</Fact>
              <Fact name="Tax">
                {formatMoney(data.tax)}, {data.tax_rate_bp / 100} %
              </Fact>
              <Fact name="Total">
                <b>{formatMoney(data.total)}</b>
              </Fact>
              <Fact name="Credited">{formatMoney(data.credited)}</Fact>
            </Facts>
          </section>
        )}
      </Loaded>
      {line !== undefined && <Explained id={id} line={line} />}
      <ResourceList
        title="Lines"
        noun="invoice-lines"
        query={lines}
        list={list}
        columns={columnsOf(id)}
        rowKey={(row) => String(row.line_no)}
        selected={line === undefined ? undefined : String(line)}
        empty="Nothing was billed in this month."
      />
    </>
  );
}

function columnsOf(id: string): readonly Column<Line>[] {
  return [
    { key: "no", title: "#", align: "end", sort: (row) => row.line_no, render: (row) => row.line_no },
    {
      key: "what",
      title: "What",
      sort: (row) => row.description,
      render: (row) => (
        <Link to="/invoices/$id" params={{ id }} search={{ line: row.line_no }}>
          {row.description}
        </Link>
      ),
    },
    { key: "category", title: "Kind", sort: (row) => row.category, render: (row) => words(row.category) },
    reservationColumn(),
    {
      key: "hours",
      title: "Quantity",
      align: "end",
      sort: (row) => row.gpu_milli_seconds,
      render: formatLineQuantity,
    },
    moneyColumn("net", "Net"),
  ];
}

function Explained({ id, line }: { id: string; line: number }) {
  const explained = useObject("invoices", {
    path: "/v1/invoices/{id}/lines/{line_no}/explain",
    params: { id, line_no: String(line) },
  });
  return (
    <section className="panel" aria-labelledby="explained-title">
      <h2 id="explained-title">How line {line} comes to what it is</h2>
      <Loaded query={explained} what="the arithmetic">
        {(data) => (
          <>
            <p>{data.description}</p>
            <ol className="arithmetic">
              {data.steps.map((step) => (
                <li key={step.what}>
                  <span>{step.what}</span>
                  <code>{step.how}</code>
                  <b>{step.result}</b>
                </li>
              ))}
            </ol>
            <p className="fine">From {countOf(data.day_count, "rated line")}, one or more for each day.</p>
          </>
        )}
      </Loaded>
    </section>
  );
}

// One invoice: what it says, its lines, how each comes to what it is, and what can be done with it.
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { useObject, useWhole, type ItemOf, type ObjectOf } from "../api/lists";
import { usePrincipal } from "../app/principal";
import { percentOf } from "../economics/series";
import { formatMoney, micro } from "../format/money";
import { formatDate, formatInstant, formatLineQuantity, words } from "../format/text";
import { ActionButton } from "../ui/action";
import { CopyAs } from "../ui/copy-as";
import { Heading } from "../ui/heading";
import { ListTools } from "../ui/list-tools";
import { moneyColumn } from "../ui/money-column";
import { StateChip } from "../ui/state-chip";
import { Loaded } from "../ui/states";
import { Stat, Stats } from "../ui/stats";
import { DataTable, type Column } from "../ui/table";
import { TableBox } from "../ui/table-box";
import { Explanation } from "./explain";
import { invoiceActions } from "./invoice-actions";
import { INVOICE_TONES } from "./invoices";
import { reservationColumn } from "./line-column";
import { refusalFor } from "./shared";
import "../styles/money.css";

export type InvoiceObject = ObjectOf<"/v1/system/invoices/{id}">;
export type InvoiceLine = ItemOf<"/v1/system/invoices/{id}/lines">;

export function InvoicePage() {
  const { id } = useParams({ from: "/billing/invoices/$id" });
  const invoice = useObject("invoices", { path: "/v1/system/invoices/{id}", params: { id } });
  return (
    <>
      <p className="crumb">
        <Link to="/billing" search={{ section: "invoices" }}>
          Invoices
        </Link>
      </p>
      <Loaded query={invoice} what="the invoice" heading="Invoice">
        {(data) => <Shown key={data.id} invoice={data} />}
      </Loaded>
    </>
  );
}

function Shown({ invoice }: { invoice: InvoiceObject }) {
  const lines = useWhole("invoices", { path: "/v1/system/invoices/{id}/lines", params: { id: invoice.id } });
  return (
    <>
      <Heading title={invoice.number ?? `Draft for ${invoice.tenant}`}>
        <StateChip state={invoice.status} tone={INVOICE_TONES[invoice.status]} />
        <Actions invoice={invoice} />
      </Heading>
      <Stats>
        <Stat
          name="Net"
          value={formatMoney(invoice.net)}
          note={`${invoice.tenant}, from ${formatDate(invoice.period_start)}`}
        />
        <Stat
          name="Tax"
          value={formatMoney(invoice.tax)}
          note={invoice.taxes.map((tax) => `${tax.code} ${percentOf(tax.rate_bp)} %`).join(", ")}
        />
        <Stat name="Total" value={formatMoney(invoice.total)} note={dueNote(invoice)} />
        <Stat
          name="Credited"
          value={formatMoney(invoice.credited)}
          note={micro(invoice.credited.amount) === 0n ? "nothing" : "by credit notes"}
        />
      </Stats>
      <Notes invoice={invoice} />
      <Loaded query={lines} what="its lines">
        {({ items }) => <Lines invoice={invoice} lines={items} />}
      </Loaded>
      <Requests invoice={invoice} />
    </>
  );
}

function dueNote({ status, issued_at, due_at }: InvoiceObject): string {
  if (issued_at === null) return status === "draft" ? "may still change" : "frozen, not owed yet";
  return due_at === null ? `issued ${formatDate(issued_at)}` : `due ${formatDate(due_at)}`;
}

function Actions({ invoice }: { invoice: InvoiceObject }) {
  const refusal = refusalFor(usePrincipal());
  return (
    <span className="actions push">
      {invoice.number !== null && <a href={`/v1/system/invoices/${invoice.id}/pdf`}>PDF</a>}
      {invoiceActions(invoice, refusal).map((action) => (
        <ActionButton key={action.verb} action={action} className={action.verb === "Issue" ? "primary" : ""} />
      ))}
      <CopyAs ask={{ method: "GET", path: "/v1/system/invoices/{id}", params: { id: invoice.id } }} />
    </span>
  );
}

function Notes({ invoice }: { invoice: InvoiceObject }) {
  const facts: [string, ReactNode][] = [];
  if (invoice.void_reason !== null) facts.push(["Void", `${invoice.void_reason}, ${formatInstant(invoice.voided_at)}`]);
  if (invoice.replaces !== null) {
    facts.push([
      "Stands for",
      <Link key="link" to="/billing/invoices/$id" params={{ id: invoice.replaces }}>
        the void invoice of the same period
      </Link>,
    ]);
  }
  for (const tax of invoice.taxes) if (tax.note !== null) facts.push(["Tax", tax.note]);
  if (invoice.content_sha256 !== null) facts.push(["Content", <code key="hash">sha256 {invoice.content_sha256}</code>]);
  if (invoice.pdf_sha256 !== null) facts.push(["Document", <code key="pdf">sha256 {invoice.pdf_sha256}</code>]);
  if (facts.length === 0) return null;
  return (
    <dl className="facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

const COLUMNS: readonly Column<InvoiceLine>[] = [
  { key: "no", title: "Line", sort: (line) => line.line_no, render: (line) => line.line_no },
  { key: "what", title: "What", sort: (line) => line.description, render: (line) => line.description },
  {
    key: "category",
    title: "Kind",
    sort: (line) => line.category,
    render: (line) => (line.class === null ? line.category : `${line.category}, ${line.class}`),
  },
  reservationColumn(),
  {
    key: "hours",
    title: "Quantity",
    align: "end",
    sort: (line) => line.gpu_milli_seconds,
    render: formatLineQuantity,
  },
  moneyColumn("net", "Net", "strong"),
  moneyColumn("tax_shown", "Tax"),
  moneyColumn("credited", "Credited", "rare"),
];

function Lines({ invoice, lines }: { invoice: InvoiceObject; lines: readonly InvoiceLine[] }) {
  const { line: chosen } = useSearch({ from: "/billing/invoices/$id" });
  const navigate = useNavigate({ from: "/billing/invoices/$id" });
  const line = lines.find((each) => each.line_no === chosen);
  return (
    <>
      <section aria-label="Lines">
        <div className="section-top">
          <h2>Lines</h2>
          <span className="fine">A line explains itself: down to the usage and the events behind it.</span>
          <span className="push">
            <ListTools
              list={{ path: "/v1/system/invoices/{id}/lines", params: { id: invoice.id } }}
              name={`${invoice.number ?? invoice.id}-lines`}
            />
          </span>
        </div>
        <DataTable
          label="Lines"
          columns={COLUMNS}
          rows={lines}
          rowKey={(each) => String(each.line_no)}
          selected={chosen === undefined ? undefined : String(chosen)}
          onRow={(each) => void navigate({ search: { line: each.line_no === chosen ? undefined : each.line_no } })}
        />
      </section>
      {line !== undefined && <Explanation key={line.line_no} invoice={invoice} line={line} />}
    </>
  );
}

/** What was asked of it: while a request is open, billing has not come to it. */
function Requests({ invoice }: { invoice: InvoiceObject }) {
  const requests = useWhole("invoices", { path: "/v1/system/invoice-requests", query: { invoice: invoice.id } });
  const items = requests.data?.items ?? [];
  if (items.length === 0) return null;
  return (
    <section aria-label="What was asked of it">
      <div className="section-top">
        <h2>What was asked of it</h2>
        <ListTools
          list={{ path: "/v1/system/invoice-requests", query: { invoice: invoice.id } }}
          name="invoice-requests"
        />
      </div>
      <TableBox label="Requests">
        <thead>
          <tr>
            <th scope="col">Request</th>
            <th scope="col">State</th>
            <th scope="col">Why</th>
            <th scope="col">Asked</th>
            <th scope="col">Came to</th>
          </tr>
        </thead>
        <tbody>
          {items.map((item) => (
            <tr key={item.id}>
              <th scope="row">{words(item.kind)}</th>
              <td>
                <StateChip
                  state={item.state}
                  tone={item.state === "done" ? "good" : item.state === "refused" ? "bad" : "wait"}
                />
              </td>
              <td>{item.detail ?? item.reason ?? "–"}</td>
              <td>{formatInstant(item.created_at)}</td>
              <td>
                {item.draft !== null && (
                  <Link to="/billing/invoices/$id" params={{ id: item.draft }}>
                    a draft
                  </Link>
                )}
                {item.credit_note !== null && (
                  <a href={`/v1/system/credit-notes/${item.credit_note}/pdf`}>credit note</a>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </TableBox>
    </section>
  );
}

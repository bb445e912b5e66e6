// Explain this cent: how a line comes to what it is, day by day, down to the usage and the events behind it.
import { useState } from "react";
import { useObject, useWhole, type ItemOf } from "../api/lists";
import { usePrincipal } from "../app/principal";
import { formatMoney } from "../format/money";
import { formatDate, formatGpus, formatInstant, formatSpan, words } from "../format/text";
import { ActionButton } from "../ui/action";
import { ListTools } from "../ui/list-tools";
import { StateChip } from "../ui/state-chip";
import { Empty, Loaded } from "../ui/states";
import { DataTable, type Column } from "../ui/table";
import type { InvoiceLine, InvoiceObject } from "./invoice";
import { creditLineAction } from "./invoice-actions";
import { refusalFor } from "./shared";

const EXPLAIN = "/v1/system/invoices/{id}/lines/{line_no}/explain";
type Day = ItemOf<"/v1/system/invoices/{id}/lines/{line_no}/explain/days">;
type Usage = ItemOf<"/v1/system/invoices/{id}/lines/{line_no}/explain/usage">;

interface Props {
  invoice: InvoiceObject;
  line: InvoiceLine;
}

export function Explanation({ invoice, line }: Props) {
  const params = { id: invoice.id, line_no: String(line.line_no) };
  const explained = useObject("invoices", { path: EXPLAIN, params });
  const [part, setPart] = useState<"days" | "usage">("days");
  return (
    <section className="panel" aria-label={`Line ${line.line_no} explained`}>
      <div className="section-top">
        <h2>
          How line {line.line_no} comes to {formatMoney(line.net)}
        </h2>
        <span className="push">
          <ActionButton action={creditLineAction(invoice, line, refusalFor(usePrincipal()))} />
        </span>
      </div>
      <Loaded query={explained} what="the explanation">
        {({ steps }) => (
          <ol className="steps">
            {steps.map((step) => (
              <li key={step.what}>
                {step.what}: <span className="fine">{step.how}</span> <b>{step.result}</b>
              </li>
            ))}
          </ol>
        )}
      </Loaded>
      <div className="section-top">
        <div className="filter" role="group" aria-label="Behind it">
          <button type="button" aria-pressed={part === "days"} onClick={() => setPart("days")}>
            Day by day
          </button>
          <button type="button" aria-pressed={part === "usage"} onClick={() => setPart("usage")}>
            Usage and events
          </button>
        </div>
        <span className="push">
          <ListTools list={{ path: `${EXPLAIN}/${part}`, params }} name={`line-${line.line_no}-${part}`} />
        </span>
      </div>
      {part === "days" ? <Days params={params} /> : <UsageTable params={params} />}
    </section>
  );
}

type Params = Readonly<Record<string, string>>;
const SECONDS = 3_600_000;

const DAY_COLUMNS: readonly Column<Day>[] = [
  { key: "day", title: "Day", render: (item) => formatDate(item.day) },
  { key: "span", title: "Time", align: "end", render: (item) => formatSpan(item.seconds) },
  { key: "hours", title: "GPU-hours", align: "end", render: (item) => (item.gpu_milli_seconds / SECONDS).toFixed(2) },
  { key: "list", title: "At list price", align: "end", render: (item) => formatMoney(item.list_amount) },
  { key: "contracted", title: "Contracted", align: "end", render: (item) => formatMoney(item.contracted_amount) },
  { key: "amount", title: "Amount", align: "end", render: (item) => <b>{formatMoney(item.amount)}</b> },
  { key: "total", title: "So far", align: "end", render: (item) => formatMoney(item.total_amount) },
];

function Days({ params }: { params: Params }) {
  const days = useWhole("invoices", { path: `${EXPLAIN}/days`, params });
  return (
    <Loaded query={days} what="its days">
      {({ items }) =>
        items.length === 0 ? (
          <Empty title="No day behind it">A fee or a rule’s charge is not rated by days.</Empty>
        ) : (
          <DataTable label="Day by day" columns={DAY_COLUMNS} rows={items} rowKey={(item) => item.day} />
        )
      }
    </Loaded>
  );
}

const USAGE_COLUMNS: readonly Column<Usage>[] = [
  { key: "instance", title: "Instance", render: (item) => <code>{item.instance}</code> },
  { key: "from", title: "From", render: (item) => formatInstant(item.starts_at) },
  { key: "until", title: "Until", render: (item) => formatInstant(item.ends_at) },
  {
    key: "class",
    title: "Class",
    render: (item) => <StateChip state={item.class} tone={item.is_billed ? "good" : "warn"} />,
  },
  { key: "gpus", title: "GPUs", align: "end", render: (item) => formatGpus(item.gpu_milli) },
  { key: "hours", title: "GPU-hours", align: "end", render: (item) => (item.gpu_milli_seconds / SECONDS).toFixed(2) },
  {
    key: "event",
    title: "Event",
    render: (item) => (item.event_kind === null ? "–" : `${words(item.event_kind)}, ${formatInstant(item.event_at)}`),
  },
  { key: "id", title: "Event’s id", render: (item) => (item.event === null ? "–" : <code>{item.event}</code>) },
];

function UsageTable({ params }: { params: Params }) {
  const usage = useWhole("invoices", { path: `${EXPLAIN}/usage`, params });
  return (
    <Loaded query={usage} what="its usage">
      {({ items }) =>
        items.length === 0 ? (
          <Empty title="No usage behind it">A fee or a rule’s charge has none.</Empty>
        ) : (
          <DataTable
            label="Usage and events"
            columns={USAGE_COLUMNS}
            rows={items}
            rowKey={(item) => `${item.instance} ${item.starts_at}`}
          />
        )
      }
    </Loaded>
  );
}

// Usage corrections: facts that came after their seconds were metered.
import { Link } from "@tanstack/react-router";
import type { ItemOf } from "../api/lists";
import { usePrincipal } from "../app/principal";
import { formatGpus, formatHours, formatInstant } from "../format/text";
import { ListView } from "../ui/list-view";
import type { Column } from "../ui/table";
import { correctionAction } from "./correction-action";
import { useBilling } from "./shared";

type Correction = ItemOf<"/v1/system/usage-corrections">;

const MILLI_MS_PER_HOUR = 1000 * 3_600_000;

function hoursOf(item: Correction): number {
  return (item.gpu_milli * (Date.parse(item.ends_at) - Date.parse(item.starts_at))) / MILLI_MS_PER_HOUR;
}

/** What is taken back has its sign, and the colour of losses. */
function signed(text: string, value: number) {
  return value < 0 ? <span className="loss">{text}</span> : `+${text}`;
}

const COLUMNS: readonly Column<Correction>[] = [
  {
    key: "reservation",
    title: "Reservation",
    sort: (item) => item.reservation_name ?? item.reservation,
    render: (item) => (
      <Link to="/reservations/$id" params={{ id: item.reservation }}>
        {item.reservation_name ?? item.reservation}
      </Link>
    ),
  },
  { key: "tenant", title: "Tenant", sort: (item) => item.tenant, render: (item) => item.tenant },
  {
    key: "gpus",
    title: "GPUs",
    align: "end",
    sort: (item) => item.gpu_milli,
    render: (item) => signed(formatGpus(item.gpu_milli), item.gpu_milli),
  },
  {
    key: "hours",
    title: "GPU-hours",
    align: "end",
    sort: hoursOf,
    render: (item) => signed(formatHours(String(hoursOf(item))), item.gpu_milli),
  },
  {
    key: "from",
    title: "From",
    align: "end",
    sort: (item) => item.starts_at,
    render: (item) => formatInstant(item.starts_at),
  },
  {
    key: "until",
    title: "Until",
    align: "end",
    sort: (item) => item.ends_at,
    render: (item) => formatInstant(item.ends_at),
  },
  { key: "reason", title: "Reason", sort: (item) => item.reason, render: (item) => item.reason },
  {
    key: "entered",
    title: "Entered",
    align: "end",
    sort: (item) => item.created_at,
    render: (item) => formatInstant(item.created_at),
  },
];

export function Corrections() {
  const me = usePrincipal();
  const address = useBilling();
  return (
    <ListView
      path="/v1/system/usage-corrections"
      word="usage"
      noun="usage correction"
      label="Usage corrections"
      columns={COLUMNS}
      rowKey={(item) => item.id}
      empty="What was metered is what was billed. Where an outage or a fault shows later, it is put right here or at the reservation."
      search={address}
      text={(item) => `${item.reservation} ${item.reservation_name ?? ""} ${item.tenant} ${item.reason}`}
      newestFirst
      create={correctionAction(me)}
    />
  );
}

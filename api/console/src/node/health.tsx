// What exporters on the node say of its GPUs: readings, errors, firmware. It informs; nothing follows from it by itself.
import type { Gpu, GpuError, Node } from "../api/model";
import { formatCount, formatInstant } from "../format/text";
import { zoneName } from "../format/zone";
import { ListTools } from "../ui/list-tools";
import { Loaded } from "../ui/states";
import { DataTable, type Column } from "../ui/table";
import { useFirmware, useGpuErrors, useGpus } from "./data";

const NOT_SAID = "\u2013";
const HOT_C = 80;

function amount(value: number | null, unit = ""): string {
  return value === null ? NOT_SAID : `${formatCount(value)}${unit}`;
}

const COLUMNS: readonly Column<Gpu>[] = [
  { key: "gpu", title: "GPU", sort: (gpu) => gpu.gpu, render: (gpu) => <b>{gpu.gpu}</b> },
  {
    key: "temperature",
    title: "Temperature",
    align: "end",
    sort: (gpu) => gpu.temperature_c,
    render: (gpu) => (
      <span className={(gpu.temperature_c ?? 0) >= HOT_C ? "loss" : undefined}>
        {amount(gpu.temperature_c, "\u202f°C")}
        {(gpu.temperature_c ?? 0) >= HOT_C && " hot"}
      </span>
    ),
  },
  {
    key: "power",
    title: "Power",
    align: "end",
    sort: (gpu) => gpu.power_w,
    render: (gpu) => amount(gpu.power_w, "\u202fW"),
  },
  {
    key: "busy",
    title: "Busy",
    align: "end",
    sort: (gpu) => gpu.utilization_percent,
    render: (gpu) => amount(gpu.utilization_percent, "\u202f%"),
  },
  {
    key: "corrected",
    title: "ECC corrected",
    align: "end",
    sort: (gpu) => gpu.ecc_corrected,
    render: (gpu) => amount(gpu.ecc_corrected),
  },
  {
    key: "uncorrected",
    title: "Not corrected",
    align: "end",
    sort: (gpu) => gpu.ecc_uncorrected,
    render: (gpu) => (
      <span className={(gpu.ecc_uncorrected ?? 0) > 0 ? "loss" : undefined}>{amount(gpu.ecc_uncorrected)}</span>
    ),
  },
  {
    key: "remapped",
    title: "Rows remapped",
    align: "end",
    sort: (gpu) => gpu.remapped_rows,
    render: (gpu) => `${amount(gpu.remapped_rows)}${gpu.remap_is_pending ? ", one pending" : ""}`,
  },
  {
    key: "xid",
    title: "Newest error",
    sort: (gpu) => gpu.xid,
    render: (gpu) => (gpu.xid === null ? "none" : `XID ${gpu.xid}, ${formatInstant(gpu.xid_at)}`),
  },
  { key: "read", title: "Read", align: "end", sort: (gpu) => gpu.read_at, render: (gpu) => formatInstant(gpu.read_at) },
];

export function NodeHealth({ node }: { node: Node }) {
  const gpus = useGpus(node.id);
  const errors = useGpuErrors(node.id);
  return (
    <section aria-labelledby="health-title">
      <div className="section-top">
        <h2 id="health-title">Health</h2>
        <span className="fine">
          as exporters report it · times in {zoneName()} <Firmware node={node} />
        </span>
        <ListTools list={{ path: "/v1/system/gpus", query: { node: node.id } }} name={`${node.name}-gpus`} />
      </div>
      <Loaded query={gpus} what="what its exporter says">
        {({ items }) =>
          items.length === 0 ? (
            <p className="fine">No exporter has reported of it: POST /v1/system/gpu-readings does.</p>
          ) : (
            <DataTable label="Health of its GPUs" columns={COLUMNS} rows={items} rowKey={(gpu) => String(gpu.gpu)} />
          )
        }
      </Loaded>
      {(errors.data?.items.length ?? 0) > 0 && <Errors errors={errors.data?.items ?? []} />}
    </section>
  );
}

function Firmware({ node }: { node: Node }) {
  const firmware = useFirmware(node.id).data;
  const versions = Object.entries((firmware?.versions ?? {}) as Record<string, string>);
  if (versions.length === 0) return null;
  return <>· firmware {versions.map(([part, version]) => `${part} ${version}`).join(", ")}</>;
}

function Errors({ errors }: { errors: readonly GpuError[] }) {
  return (
    <ol className="timeline" aria-label="Errors of its GPUs, newest first">
      {errors.map((error) => (
        <li key={`${error.happened_at} ${error.gpu} ${error.xid}`}>
          <time dateTime={error.happened_at}>{formatInstant(error.happened_at)}</time>
          <span>
            GPU {error.gpu}: XID {error.xid} <small>{error.message}</small>
          </span>
        </li>
      ))}
    </ol>
  );
}

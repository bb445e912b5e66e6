// A node: its GPUs and who holds them, what was and will be on it, how it came to be as it is, and its books.
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { useMemo } from "react";
import type { Node } from "../api/model";
import { useEvents, useZones } from "../api/queries";
import { usePrincipal } from "../app/principal";
import { emptyFrom, Fact, NodeChips } from "../fleet/detail";
import { dayOf, formatCount, formatDate, formatGpus, formatInstant, formatSpan, words } from "../format/text";
import { zoneName } from "../format/zone";
import { Replacements } from "../maintenance/replacements";
import { ActionButton } from "../ui/action";
import { CopyAs } from "../ui/copy-as";
import { Heading } from "../ui/heading";
import { ListTools } from "../ui/list-tools";
import { Empty, Loaded } from "../ui/states";
import { DataTable, type Column } from "../ui/table";
import { nodeActions } from "./actions";
import { NodeBooks } from "./books";
import { NodeHealth } from "./health";
import { useNode, useStays } from "./data";
import { holdersOf, staysOf, whenOf, type Stay } from "./stays";
import "../fleet/fleet.css";
import "./node.css";

/** How far back its page looks. */
const PAST_DAYS = 30;

export function NodePage() {
  const { id } = useParams({ from: "/fleet/nodes/$id" });
  const query = useNode(id);
  return (
    <>
      <p className="crumb">
        <Link to="/fleet">Fleet</Link>
      </p>
      <Loaded query={query} what="the node" heading="Node">
        {(node) => <NodeView key={node.id} node={node} />}
      </Loaded>
    </>
  );
}

function NodeView({ node }: { node: Node }) {
  const me = usePrincipal();
  const navigate = useNavigate();
  const zone = useZones().data?.items.find((each) => each.name === node.zone);
  const stays = useStays(node.id, `${dayOf(me.domain_time, -PAST_DAYS)}T00:00:00Z`);
  return (
    <>
      <Heading title={node.name}>
        <NodeChips node={node} zone={zone} />
      </Heading>
      <p className="actions" role="group" aria-label="Actions">
        {nodeActions(node, zone, me, () => void navigate({ to: "/fleet" })).map((action) => (
          <ActionButton key={action.title} action={action} />
        ))}
        <CopyAs ask={{ method: "GET", path: "/v1/system/nodes/{id}", params: { id: node.id } }} />
      </p>
      <div className="halves">
        <section className="panel" aria-labelledby="gpus-title">
          <h2 id="gpus-title">
            {node.gpu_count} × {node.gpu_model}
          </h2>
          <Loaded query={stays} what="what it holds">
            {({ items }) => <Gpus node={node} stays={staysOf(items)} now={me.domain_time} />}
          </Loaded>
          <NodeFacts node={node} />
        </section>
        <NodeBooks node={node} />
      </div>
      <NodeHealth node={node} />
      <Replacements node={node} />
      <section aria-labelledby="stays-title">
        <div className="section-top">
          <h2 id="stays-title">On it</h2>
          <span className="fine">
            from {PAST_DAYS} days ago on · times in {zoneName()}
          </span>
          <ListTools
            list={{ path: "/v1/system/allocations", query: { node: node.id } }}
            name={`${node.name}-allocations`}
          />
        </div>
        <Loaded query={stays} what="what it holds">
          {({ items }) => <Stays stays={staysOf(items)} now={me.domain_time} />}
        </Loaded>
      </section>
      <Transitions node={node} />
    </>
  );
}

function NodeFacts({ node }: { node: Node }) {
  return (
    <dl className="facts">
      <Fact name="Place">
        <Link to="/fleet" search={{ at: `${node.zone}/${node.fabric}/${node.rack}`, node: node.id }}>
          {node.zone} / {node.fabric} / {node.rack}
        </Link>
        {node.status.leaf != null && <> behind {node.status.leaf}</>}
      </Fact>
      <Fact name="In this state since">{formatInstant(node.status.since)}</Fact>
      {node.cordoned && <Fact name="Cordoned because">{node.cordon_reason ?? "no reason given"}</Fact>}
      {node.draining && <Fact name="Drained because">{node.drain_reason}</Fact>}
      {node.draining && <Fact name="Empty from">{emptyFrom(node)}</Fact>}
      {node.status.last_error != null && <Fact name="Last error">{node.status.last_error}</Fact>}
      <Fact name="CPU, memory">
        {formatCount(node.cpu_milli / 1000)} cores, {formatCount(Math.round(node.memory_mib / 1024))} GiB
      </Fact>
      <Fact name="Turnaround">{formatSpan(node.turnaround_s)}</Fact>
      <Fact name="NVLink reaches">{node.nvlink_domain === "rack" ? "the rack" : "the node"}</Fact>
      <Fact name="Enrolled">{formatDate(node.enrolled_at)}</Fact>
      <Fact name="Id">
        <code>{node.id}</code>
      </Fact>
    </dl>
  );
}

function Gpus({ node, stays, now }: { node: Node; stays: readonly Stay[]; now: string }) {
  const gpus = useMemo(() => holdersOf(stays, node.gpu_count, now), [stays, node.gpu_count, now]);
  return (
    <ol className="gpus" aria-label="GPUs and who holds them">
      {gpus.map((holders, index) => (
        <li key={index} className={holders.length === 0 ? "free" : undefined}>
          <small>GPU {index}</small>
          <b>{holders.length === 0 ? "free" : holders.map(({ who }) => who).join(", ")}</b>
          <meter
            aria-label={`Held share of GPU ${index}`}
            min={0}
            max={1}
            value={holders.reduce((sum, { share }) => sum + share, 0)}
          />
        </li>
      ))}
    </ol>
  );
}

function stayColumns(now: string): readonly Column<Stay>[] {
  return [
    {
      key: "what",
      title: "What",
      sort: (stay) => stay.name ?? stay.kind,
      render: (stay) =>
        stay.reservation === null ? (
          words(stay.kind)
        ) : (
          <>
            <Link to="/reservations/$id" params={{ id: stay.reservation }}>
              {stay.name ?? stay.reservation}
            </Link>
            {stay.kind === "turnaround" && " · turnaround"}
          </>
        ),
    },
    { key: "tenant", title: "Tenant", sort: (stay) => stay.tenant, render: (stay) => stay.tenant ?? "\u2013" },
    { key: "when", title: "When", sort: (stay) => whenOf(stay, now), render: (stay) => whenOf(stay, now) },
    { key: "gpus", title: "GPUs", align: "end", sort: (stay) => stay.milli, render: (stay) => formatGpus(stay.milli) },
    { key: "from", title: "From", align: "end", sort: (stay) => stay.from, render: (stay) => formatInstant(stay.from) },
    {
      key: "to",
      title: "Until",
      align: "end",
      sort: (stay) => stay.to ?? "9999",
      render: (stay) => (stay.to === null ? "open" : formatInstant(stay.to)),
    },
  ];
}

function Stays({ stays, now }: { stays: readonly Stay[]; now: string }) {
  const columns = useMemo(() => stayColumns(now), [now]);
  const latest = useMemo(() => [...stays].reverse(), [stays]);
  if (latest.length === 0) return <Empty title="Nothing was on it, and nothing is promised of it" />;
  return <DataTable label="On it" columns={columns} rows={latest} rowKey={(stay) => stay.key} />;
}

function Transitions({ node }: { node: Node }) {
  const me = usePrincipal();
  const events = useEvents(me, node.id, "nodes");
  return (
    <section aria-labelledby="transitions-title">
      <div className="section-top">
        <h2 id="transitions-title">How it came to be so</h2>
        <ListTools list={{ path: "/v1/system/events", query: { object: node.id } }} name={`${node.name}-events`} />
      </div>
      <Loaded query={events} what="its events">
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="Nothing has happened to it yet" />
          ) : (
            <ol className="timeline">
              {[...items].reverse().map((event) => (
                <li key={event.id}>
                  <time dateTime={event.occurred_at}>{formatInstant(event.occurred_at)}</time>
                  <span>
                    {words(event.kind.replace(/^node\./, ""))}
                    {reasonOf(event.payload) !== null && <small> {reasonOf(event.payload)}</small>}
                  </span>
                </li>
              ))}
            </ol>
          )
        }
      </Loaded>
    </section>
  );
}

function reasonOf(payload: unknown): string | null {
  const { reason } = (payload ?? {}) as { reason?: unknown };
  return typeof reason === "string" ? reason : null;
}

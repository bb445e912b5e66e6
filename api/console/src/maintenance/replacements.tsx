// Parts that are to be replaced: of one node, or of all; and what an operator notes of each on its way.
import { Link } from "@tanstack/react-router";
import { useWhole, type ItemOf } from "../api/lists";
import type { Me, Node } from "../api/model";
import { usePrincipal } from "../app/principal";
import { formatInstant, words } from "../format/text";
import { refusalFor } from "../node/actions";
import { ActionButton, type Action } from "../ui/action";
import type { Field } from "../ui/fields";
import { ListTools } from "../ui/list-tools";
import { StateChip, type Tone } from "../ui/state-chip";
import { Empty, Loaded } from "../ui/states";
import { DataTable, type Column } from "../ui/table";

const PATH = "/v1/system/replacement-requests";
type Replacement = ItemOf<typeof PATH>;
type State = Replacement["status"]["state"];

const TONES: Readonly<Record<State, Tone>> = { open: "warn", ordered: "busy", replaced: "good", cancelled: "done" };
const TOUCHES = ["replacements"] as const;

function askAction(node: Node, me: Me): Action<Replacement> {
  return {
    touches: TOUCHES,
    refusal: refusalFor(me),
    title: `Replace a part of ${node.name}`,
    verb: "Ask for a replacement",
    about: "It is noted, and nothing else: the node goes on, and the books do, until somebody says otherwise there.",
    ask: { method: "POST", path: PATH },
    fixed: { node: node.id },
    fields: [
      { at: "/part", label: "Part", kind: "text", required: true, placeholder: `${node.gpu_model} or fan 3` },
      { at: "/gpu", label: "Number of the GPU", kind: "integer", note: "From 0; empty: it is about no GPU." },
      { at: "/serial", label: "Serial number of what goes", kind: "text" },
      { at: "/reason", label: "Reason", kind: "text", required: true },
    ],
  };
}

interface Step {
  step: "order" | "complete" | "cancel";
  verb: string;
  about: string;
  fields: readonly Field[];
}

const STEPS: readonly Step[] = [
  {
    step: "order",
    verb: "Ordered",
    about: "The new part is ordered.",
    fields: [{ at: "/reference", label: "The vendor’s number of it", kind: "text" }],
  },
  {
    step: "complete",
    verb: "Replaced",
    about: "The new part is in. The books follow the asset’s own change, which can be named here.",
    fields: [
      { at: "/new_serial", label: "Serial number of what came", kind: "text" },
      { at: "/asset_change", label: "Id of the asset’s change", kind: "text" },
    ],
  },
  {
    step: "cancel",
    verb: "Not needed",
    about: "The request is taken back, for good.",
    fields: [{ at: "/reason", label: "Reason", kind: "text", required: true }],
  },
];

function stepsOf(item: Replacement, me: Me): Action<Replacement>[] {
  const { state } = item.status;
  if (state === "replaced" || state === "cancelled") return [];
  return STEPS.filter(({ step }) => step !== "order" || state === "open").map(({ step, verb, about, fields }) => ({
    touches: TOUCHES,
    refusal: refusalFor(me),
    title: `${verb}: ${item.part}`,
    verb,
    about,
    ask: { method: "POST", path: `${PATH}/{id}/${step}`, params: { id: item.id } },
    fields,
  }));
}

const PART = (item: Replacement) => (
  <>
    <b>{item.part}</b>
    {item.gpu !== null && <small> GPU {item.gpu}</small>}
  </>
);

function columnsFor(me: Me, ofNode: boolean): Column<Replacement>[] {
  const node: Column<Replacement> = {
    key: "node",
    title: "Node",
    sort: (item) => item.node,
    render: (item) => (
      <Link to="/fleet/nodes/$id" params={{ id: item.node }}>
        <code>{item.node}</code>
      </Link>
    ),
  };
  return [
    { key: "part", title: "Part", sort: (item) => item.part, render: PART },
    {
      key: "state",
      title: "State",
      sort: (item) => item.status.state,
      render: (item) => <StateChip state={item.status.state} tone={TONES[item.status.state]} />,
    },
    ...(ofNode ? [] : [node]),
    { key: "reason", title: "Why", sort: (item) => item.reason, render: whyOf },
    {
      key: "reference",
      title: "Reference",
      sort: (item) => item.status.reference,
      render: (item) => item.status.reference,
    },
    {
      key: "asked",
      title: "Asked for",
      sort: (item) => item.created_at,
      render: (item) => formatInstant(item.created_at),
    },
    {
      key: "steps",
      title: "Next",
      stays: true,
      render: (item) =>
        stepsOf(item, me).map((action) => <ActionButton key={action.verb} action={action} className="quiet small" />),
    },
  ];
}

function whyOf(item: Replacement): string {
  const { cancel_reason: cancelled } = item.status;
  return cancelled === null ? item.reason : `${item.reason}; ${words("cancelled")}: ${cancelled}`;
}

interface ReplacementsProps {
  /** Of this node only, and asked for here. */
  node?: Node;
  /** The one that the address names. */
  selected?: string | undefined;
}

export function Replacements({ node, selected }: ReplacementsProps) {
  const me = usePrincipal();
  const query = node === undefined ? {} : { node: node.id };
  const list = useWhole("replacements", { path: PATH, query });
  return (
    <section aria-labelledby="replacements-title">
      <div className="section-top">
        <h2 id="replacements-title">Parts to be replaced</h2>
        {node !== undefined && <ActionButton action={askAction(node, me)} className="small" />}
        <ListTools list={{ path: PATH, query }} name="replacements" />
      </div>
      <Loaded query={list} what="replacement requests">
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="No part is to be replaced">{node === undefined && "A node’s page asks for one."}</Empty>
          ) : (
            <DataTable
              label="Replacement requests"
              columns={columnsFor(me, node !== undefined)}
              rows={items}
              rowKey={(item) => item.id}
              selected={selected}
            />
          )
        }
      </Loaded>
    </section>
  );
}

// Projects: what reservations, quotas and bills are told apart by.
import { useWhole, type ItemOf } from "../api/lists";
import type { Me } from "../api/model";
import { usePrincipal } from "../app/principal";
import { formatInstant } from "../format/text";
import type { Action } from "../ui/action";
import type { Column } from "../ui/table";
import { refusalUnless, WRITERS } from "./may";
import { ResourceList, RowActions } from "./resource";

type Project = ItemOf<"/v1/projects">;

const LIST = { path: "/v1/projects" } as const;

export function Projects() {
  const me = usePrincipal();
  return (
    <ResourceList
      title="Projects"
      noun="projects"
      query={useWhole("projects", LIST)}
      list={LIST}
      columns={columnsFor(me)}
      rowKey={(row) => row.id}
      create={{
        title: "Make a project",
        verb: "Make a project",
        ask: { method: "POST", path: "/v1/projects" },
        fields: [
          { at: "/name", label: "Name", kind: "text", required: true },
          { at: "/description", label: "What it is for", kind: "text" },
        ],
        touches: ["projects"],
        refusal: refusalUnless(me, WRITERS),
      }}
      empty="Everything is in the project default until there is another."
    />
  );
}

function removeAction(me: Me, project: Project): Action {
  return {
    title: `Remove ${project.name}`,
    verb: "Remove",
    ask: { method: "DELETE", path: "/v1/projects/{id}", params: { id: project.id } },
    confirm: project.name,
    touches: ["projects"],
    refusal: refusalUnless(me, WRITERS),
  };
}

function columnsFor(me: Me): readonly Column<Project>[] {
  return [
    { key: "name", title: "Name", sort: (row) => row.name, render: (row) => <b>{row.name}</b> },
    { key: "what", title: "What it is for", render: (row) => row.description ?? "\u2013" },
    { key: "made", title: "Made", sort: (row) => row.created_at, render: (row) => formatInstant(row.created_at) },
    {
      key: "do",
      title: "Actions",
      align: "end",
      stays: true,
      render: (row) => <RowActions actions={[removeAction(me, row)]} />,
    },
  ];
}

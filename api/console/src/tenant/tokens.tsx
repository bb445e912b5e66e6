// Tokens: what programs and people show; their text is seen once.
import { useWhole, type ItemOf } from "../api/lists";
import type { Me } from "../api/model";
import { usePrincipal } from "../app/principal";
import { formatInstant, words } from "../format/text";
import type { Action } from "../ui/action";
import type { Field } from "../ui/fields";
import { StateChip } from "../ui/state-chip";
import type { Column } from "../ui/table";
import { ADMINS, coveredBy } from "./may";
import { ResourceList, RowActions } from "./resource";
import { Secret } from "./secret";

type Token = ItemOf<"/v1/tokens">;

const LIST = { path: "/v1/tokens" } as const;
/** What a scope names: a resource of the tenant's, read or written. */
const SCOPES_NOTE = "Of what its role may: reservations:read, quotes:write, … Empty: all of it.";

export function Tokens() {
  const me = usePrincipal();
  const tokens = useWhole("tokens", LIST);
  return (
    <ResourceList
      title="Tokens"
      noun="tokens"
      query={tokens}
      list={LIST}
      columns={columnsFor(me)}
      rowKey={(row) => row.id}
      create={createAction(me)}
      timed
      empty="Programs sign in with a token."
    />
  );
}

function shownOnce(token: Token) {
  return token.token === undefined ? null : <Secret what="the token" text={token.token} />;
}

function createAction(me: Me): Action {
  const roles = coveredBy(me.role).map((role) => ({ value: role, label: words(role) }));
  const others: Field = {
    at: "/principal",
    label: "For",
    kind: "text",
    note: "A service account, or you; you unless said.",
  };
  return {
    title: "Make a token",
    verb: "Make a token",
    ask: { method: "POST", path: "/v1/tokens" },
    fields: [
      { at: "/name", label: "Name", kind: "text", required: true, note: "What it is for." },
      { at: "/role", label: "Role", kind: "choice", required: true, options: roles, initial: me.role },
      { at: "/scopes", label: "Scopes", kind: "names", note: SCOPES_NOTE, placeholder: "reservations:read usage:read" },
      { at: "/expires_at", label: "Expires", kind: "instant", note: "Empty: never. One that ends is safer." },
      ...(ADMINS.includes(me.role) ? [others] : []),
    ],
    touches: ["tokens"],
    result: (answer) => shownOnce(answer as Token),
  };
}

function isOf(me: Me, { principal, principal_kind }: Token): boolean {
  return principal === me.principal && principal_kind === me.principal_kind;
}

/** Whoever rotates a token has its text, and acts as whom it stands for: as another person nobody may. */
function whyNotRotated(me: Me, token: Token): string | null {
  if (token.revoked_at !== null) return "it is revoked";
  if (token.principal_kind !== "user" || isOf(me, token)) return null;
  return `it stands for ${token.principal}, who alone may have its text`;
}

function rotateAction(me: Me, token: Token): Action {
  return {
    title: `Rotate ${token.name}`,
    verb: "Rotate",
    about: "It gets another text; the present one is taken for a while, too, so that nothing breaks meanwhile.",
    ask: { method: "POST", path: "/v1/tokens/{id}/rotate", params: { id: token.id } },
    fields: [
      { at: "/overlap_s", label: "Both are taken for, in seconds", kind: "integer", required: true, initial: "3600" },
    ],
    refusal: whyNotRotated(me, token),
    touches: ["tokens"],
    result: (answer) => shownOnce(answer as Token),
  };
}

function revokeAction(me: Me, token: Token): Action {
  return {
    title: `Revoke ${token.name}`,
    verb: "Revoke",
    about:
      token.id === me.token_id
        ? "You signed in with it: your session ends with it."
        : "Whoever shows it is refused at once, and sessions that it began end.",
    ask: { method: "POST", path: "/v1/tokens/{id}/revoke", params: { id: token.id } },
    confirm: token.name,
    refusal: token.revoked_at === null ? null : "it is revoked already",
    touches: ["tokens"],
  };
}

function stateOf({ revoked_at, expires_at }: Token): "active" | "revoked" | "expired" {
  if (revoked_at !== null) return "revoked";
  return expires_at !== null && Date.parse(expires_at) <= Date.now() ? "expired" : "active";
}

function columnsFor(me: Me): readonly Column<Token>[] {
  return [
    { key: "name", title: "Name", sort: (row) => row.name, render: (row) => <b>{row.name}</b> },
    {
      key: "state",
      title: "State",
      sort: stateOf,
      render: (row) => <StateChip state={stateOf(row)} tone={stateOf(row) === "active" ? "good" : "done"} />,
    },
    { key: "for", title: "For", sort: (row) => row.principal, render: (row) => row.principal },
    { key: "role", title: "Role", sort: (row) => row.role, render: (row) => words(row.role) },
    { key: "scopes", title: "Scopes", render: (row) => (row.scopes as string[] | null)?.join(", ") ?? "all" },
    { key: "made", title: "Made", sort: (row) => row.created_at, render: (row) => formatInstant(row.created_at) },
    {
      key: "expires",
      title: "Expires",
      sort: (row) => row.expires_at,
      render: (row) => (row.expires_at === null ? "never" : formatInstant(row.expires_at)),
    },
    {
      key: "used",
      title: "Last used",
      sort: (row) => row.last_used_at,
      render: (row) => formatInstant(row.last_used_at),
    },
    {
      key: "do",
      title: "Actions",
      align: "end",
      stays: true,
      render: (row) => <RowActions actions={[rotateAction(me, row), revokeAction(me, row)]} />,
    },
  ];
}
